DROP INDEX "RenderResult_type_status_idx";

-- Reads the rows while everybody goes on writing (SHARE UPDATE EXCLUSIVE).
ALTER TABLE "Design" VALIDATE CONSTRAINT "Design_specId_fkey";
ALTER TABLE "Customization" VALIDATE CONSTRAINT "Customization_snapshotId_fkey";
ALTER TABLE "RenderResult" VALIDATE CONSTRAINT "RenderResult_snapshotId_fkey";
ALTER TABLE "RenderResult" VALIDATE CONSTRAINT "RenderResult_designId_fkey";
ALTER TABLE "RenderResult" VALIDATE CONSTRAINT "RenderResult_customizationId_fkey";
ALTER TABLE "WorkOrder" VALIDATE CONSTRAINT "WorkOrder_snapshotId_fkey";

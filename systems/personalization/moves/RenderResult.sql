-- renderId is loose text; where it is the key of a design or of a customisation, it is also said so.
select
  r."id", r."renderId", r."type", r."status", r."url", r."thumbnailUrl", r."metadata", r."createdAt",
  d."id" as "designId",
  c."id" as "customizationId"
from "RenderResult" r
left join "Design" d on d."id" = r."renderId"
left join "Customization" c on c."id" = r."renderId"

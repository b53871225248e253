select p."brandId", p."id", p."name", p."createdAt" from "Product" p

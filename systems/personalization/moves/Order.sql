select o."id", o."orderNumber", o."status", o."customerEmail", o."customerName", o."customerPhone",
  o."shippingAddress", o."subtotalCents", o."taxCents", o."shippingCents", o."totalCents",
  o."currency", o."paymentStatus", o."stripeSessionId", o."stripePaymentId", o."trackingNumber",
  o."trackingUrl", o."notes", o."createdAt", o."updatedAt", o."paidAt", o."shippedAt", o."userId",
  o."brandId", o."designId", o."productId", o."metadata"
from "Order" o

-- Each line that came in is in the archive; it is a log line, too, or an orphan.
select a."id", a."webhookId"
from "WebhookLogArchive" a
where a."orphan" = exists (select from "WebhookLog" l where l."id" = a."id")

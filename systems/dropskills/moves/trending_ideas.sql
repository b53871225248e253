-- tags is JSON inside text, or just text. What is JSON (an array or an object of plain values, or
-- a plain value) stays what it is; all else is kept whole as {"raw": "…"}. PostgreSQL can say
-- whether a text is JSON only from version 16 on, hence the pattern (JSON's own grammar; \u0000 and
-- surrogates are text to it, since jsonb refuses some of them).
select
  i.id,
  i.title,
  i.description,
  i.category,
  i.difficulty,
  i."revenueEstimate" as revenue_estimate,
  i."trendScore" as trend_score,
  case
    when i.tags ~ '(?x) ^ [\u0009\u000a\u000d\u0020]* (?:
        (?: "(?:[^"\\\u0001-\u001f]|\\["\\/bfnrt]|\\u(?!0000|[dD][89a-fA-F])[0-9a-fA-F]{4})*"
          | -?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})? | true | false | null )
      | \[ [\u0009\u000a\u000d\u0020]* (?:
          (?: "(?:[^"\\\u0001-\u001f]|\\["\\/bfnrt]|\\u(?!0000|[dD][89a-fA-F])[0-9a-fA-F]{4})*"
            | -?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})? | true | false | null )
          [\u0009\u000a\u000d\u0020]*
          (?: , [\u0009\u000a\u000d\u0020]*
            (?: "(?:[^"\\\u0001-\u001f]|\\["\\/bfnrt]|\\u(?!0000|[dD][89a-fA-F])[0-9a-fA-F]{4})*"
              | -?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})? | true | false | null )
            [\u0009\u000a\u000d\u0020]* )* )? \]
      | \{ [\u0009\u000a\u000d\u0020]* (?:
          "(?:[^"\\\u0001-\u001f]|\\["\\/bfnrt]|\\u(?!0000|[dD][89a-fA-F])[0-9a-fA-F]{4})*"
          [\u0009\u000a\u000d\u0020]* : [\u0009\u000a\u000d\u0020]*
          (?: "(?:[^"\\\u0001-\u001f]|\\["\\/bfnrt]|\\u(?!0000|[dD][89a-fA-F])[0-9a-fA-F]{4})*"
            | -?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})? | true | false | null )
          [\u0009\u000a\u000d\u0020]*
          (?: , [\u0009\u000a\u000d\u0020]*
            "(?:[^"\\\u0001-\u001f]|\\["\\/bfnrt]|\\u(?!0000|[dD][89a-fA-F])[0-9a-fA-F]{4})*"
            [\u0009\u000a\u000d\u0020]* : [\u0009\u000a\u000d\u0020]*
            (?: "(?:[^"\\\u0001-\u001f]|\\["\\/bfnrt]|\\u(?!0000|[dD][89a-fA-F])[0-9a-fA-F]{4})*"
              | -?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})? | true | false | null )
            [\u0009\u000a\u000d\u0020]* )* )? \}
      ) [\u0009\u000a\u000d\u0020]* $'
      and i.tags !~ '^[\u0009\u000a\u000d\u0020]*\{[\u0009\u000a\u000d\u0020]*"raw"'
      then i.tags::jsonb
    when i.tags is not null then jsonb_build_object('raw', i.tags)
  end as tags,
  i."isActive" as is_active,
  i."isFeatured" as is_featured,
  i.created_at,
  i.updated_at
from trending_ideas i

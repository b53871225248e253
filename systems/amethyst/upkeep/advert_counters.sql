-- Yesterday's advert views, by the day of advert_zone(); fails where anybody was rewarded beyond the limit.
do $$
declare
  yesterday record;
  counted record;
  beyond text;
begin
  select d.day_start, d.day_end into yesterday
    from advert_day((advert_day(now())).day_start - interval '1 hour') d;
  select count(*) as views, count(*) filter (where v.credits_earned > 0) as rewarded,
         coalesce(sum(v.credits_earned), 0) as credits, count(distinct v.user_id) as people
    into counted
    from ad_views v where v.viewed_at >= yesterday.day_start and v.viewed_at < yesterday.day_end;
  -- Ten is the most that anybody's limit can be; a limit may have been lowered since.
  select string_agg(format('%s: %s', t.user_id, t.rewarded), ', ') into beyond
    from (select v.user_id, count(*) as rewarded from ad_views v
           where v.viewed_at >= yesterday.day_start and v.viewed_at < yesterday.day_end and v.credits_earned > 0
           group by v.user_id having count(*) > 10 order by 2 desc limit 5) t;
  if beyond is not null then
    raise exception 'rewarded for more than 10 adverts on one day: %', beyond
      using hint = 'Only record_ad_view() may write ad_views: see who else can, with `repot access`.';
  end if;
  perform repot_upkeep.note(
    jsonb_build_object('day', (yesterday.day_start at time zone advert_zone())::date, 'views', counted.views,
                       'rewarded', counted.rewarded, 'credits', counted.credits, 'people', counted.people),
    format('%s views by %s people, %s rewarded', counted.views, counted.people, counted.rewarded));
end $$;

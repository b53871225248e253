-- Which of the two tables a view comes from: the way back must tell.
select 'ad_views' as place, v.id from ad_views v
union all
select 'ads_history', h.id from ads_history h

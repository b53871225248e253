-- The newest runs, or those of one task, or the one of a due time.
select h.id, h.task, h.due,
       case when h.state = 'started' and not repot_upkeep.is_held(h.task, h.pid)
            then 'broken off' else h.state end as state,
       h.started, h.finished, h.runner, h.asked, h.missed, h.attempt, h.summary, h.figures,
       h.findings,
       case when h.state = 'started' and not repot_upkeep.is_held(h.task, h.pid)
            then 'the runner is gone and has not written down the outcome' else h.error end as error,
       h.earlier
from repot_upkeep.history h
where (%(task)s::text is null or h.task = %(task)s)
  and (%(id)s::bigint is null or h.id = %(id)s)
order by h.started desc, h.id desc
limit %(limit)s

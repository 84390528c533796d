-- name: parked
SELECT job.id, job.task_name AS name, job.args AS arguments, job.attempts,
       (SELECT max(event.at) FROM jobs.procrastinate_events AS event WHERE event.job_id = job.id) AS since
  FROM jobs.procrastinate_jobs AS job
 WHERE job.status = 'failed'
 ORDER BY job.id;

-- name: unpark
SELECT jobs.unpark(%(job_id)s);

-- The ledger: who holds which trial, what it reported, what is promoted. Optuna's own tables
-- (studies, trials, trial_values, ...) are read and written beside it, in the same transactions.
-- Each statement stands under its name; study/statements.py reads them.

-- name: schema
CREATE SCHEMA IF NOT EXISTS ledger;
CREATE TABLE IF NOT EXISTS ledger.study (
    study_id       integer PRIMARY KEY REFERENCES studies ON DELETE CASCADE,
    config         text NOT NULL,               -- StudyConfig as JSON
    store          text NOT NULL,               -- content of the packed data set
    stopped        boolean NOT NULL DEFAULT false,
    workers        integer NOT NULL,            -- wanted
    trials         integer NOT NULL,            -- budget
    device_seconds double precision,            -- budget; NULL: unbounded
    wall_seconds   double precision,            -- budget; NULL: unbounded
    lease_seconds  double precision NOT NULL,
    max_attempts   integer NOT NULL,
    active_since   timestamptz NOT NULL DEFAULT clock_timestamp(),
    active_seconds double precision NOT NULL DEFAULT 0  -- before active_since
);
-- One row for each trial that was ever begun: their number is the budget spent.
CREATE TABLE IF NOT EXISTS ledger.lease (
    trial_id       integer PRIMARY KEY REFERENCES trials ON DELETE CASCADE,
    study_id       integer NOT NULL REFERENCES studies ON DELETE CASCADE,
    token          bigint NOT NULL DEFAULT 1,   -- fencing: rises with every holder
    worker         text NOT NULL,               -- the holder, or the last one
    released       boolean NOT NULL DEFAULT false,
    heartbeat_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts       integer NOT NULL DEFAULT 0,  -- holders lost in a row without an epoch of progress
    memory_retries integer NOT NULL DEFAULT 0,  -- times it ran out of memory
    device_seconds double precision NOT NULL DEFAULT 0,
    last_epoch     integer,                     -- of the newest report
    weights        text,                        -- best weights, a file of the trial's directory
    outcome        text                         -- NULL while the trial is open
);
CREATE INDEX IF NOT EXISTS lease_study ON ledger.lease (study_id);
CREATE TABLE IF NOT EXISTS ledger.epoch (
    trial_id    integer NOT NULL REFERENCES trials ON DELETE CASCADE,
    epoch       integer NOT NULL,
    token       bigint NOT NULL,
    worker      text NOT NULL,
    metrics     jsonb NOT NULL,
    reported_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (trial_id, epoch)
);
CREATE TABLE IF NOT EXISTS ledger.promotion (
    study_id    integer NOT NULL REFERENCES studies ON DELETE CASCADE,
    version     integer NOT NULL,
    trial_id    integer NOT NULL REFERENCES trials ON DELETE CASCADE,
    metrics     jsonb NOT NULL,
    promoted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (study_id, version)
);
-- A row for each rung of asha that a trial has reached (study/halving.py). The row that is not
-- promoted says that its trial is paused: nobody trains it, and its lease is nobody's.
CREATE TABLE IF NOT EXISTS ledger.rung (
    trial_id integer NOT NULL REFERENCES trials ON DELETE CASCADE,
    study_id integer NOT NULL REFERENCES studies ON DELETE CASCADE,
    rung     integer NOT NULL,                -- from 0
    value    double precision,                -- of the metric at that epoch; NULL: not a number
    promoted boolean NOT NULL DEFAULT false,  -- and goes on to the next rung
    best     double precision,                -- of the metric in all epochs so far, of a paused trial
    PRIMARY KEY (trial_id, rung)
);
CREATE INDEX IF NOT EXISTS rung_study ON ledger.rung (study_id);
CREATE INDEX IF NOT EXISTS rung_paused ON ledger.rung (trial_id) WHERE NOT promoted;
-- Studies that ended before their budget was spent, and why.
CREATE TABLE IF NOT EXISTS ledger.conclusion (
    study_id integer PRIMARY KEY REFERENCES studies ON DELETE CASCADE,
    reason   text NOT NULL
);

-- name: lock_schema
-- Two processes that create the schema at once would both fail. Optuna makes its tables meanwhile,
-- through another connection, and may take its time.
SET LOCAL idle_in_transaction_session_timeout = 0;
SELECT pg_advisory_xact_lock(7305441);

-- name: has_schema
-- Asked first: even where nothing is missing, CREATE INDEX would wait for every open write.
SELECT to_regclass('ledger.conclusion') IS NOT NULL;

-- name: register
INSERT INTO ledger.study (study_id, config, store, workers, trials, device_seconds, wall_seconds,
                          lease_seconds, max_attempts)
VALUES (:study_id, :config, :store, :workers, :trials, :device_seconds, :wall_seconds,
        :lease_seconds, :max_attempts)
ON CONFLICT (study_id) DO NOTHING;

-- name: find_study
SELECT s.study_id, l.config, l.store, l.stopped, l.workers
FROM studies s JOIN ledger.study l USING (study_id)
WHERE s.study_name = :name;

-- name: list_studies
SELECT s.study_name FROM studies s JOIN ledger.study USING (study_id) ORDER BY s.study_name;

-- name: conclude
INSERT INTO ledger.conclusion (study_id, reason) VALUES (:study_id, :reason)
ON CONFLICT (study_id) DO NOTHING;

-- name: reopen
-- Where another budget is asked for; with the same one a study that is resumed stays concluded.
DELETE FROM ledger.conclusion c USING ledger.study l
WHERE c.study_id = :study_id AND l.study_id = c.study_id
  AND CAST(l.config AS jsonb) #> '{search,budget}'
      <> CAST(:config AS jsonb) #> '{search,budget}';

-- name: continue_study
-- The clock of the wall-time budget starts anew; what it showed at the last heartbeat is kept.
UPDATE ledger.study l
SET stopped = false, config = :config, workers = :workers, trials = :trials,
    device_seconds = :device_seconds, wall_seconds = :wall_seconds,
    lease_seconds = :lease_seconds, max_attempts = :max_attempts,
    active_seconds = active_seconds + greatest(0, extract(epoch FROM coalesce((
        SELECT max(heartbeat_at) FROM ledger.lease
        WHERE study_id = l.study_id), active_since) - active_since)),
    active_since = clock_timestamp()
WHERE study_id = :study_id;

-- name: set_workers
UPDATE ledger.study SET workers = :workers WHERE study_id = :study_id;

-- name: set_stopped
UPDATE ledger.study SET stopped = true WHERE study_id = :study_id;

-- name: lock_study
-- The row that Optuna itself locks while it numbers a trial: claims and stock tools take turns.
SELECT study_id FROM studies WHERE study_id = :study_id FOR UPDATE;

-- name: budget
SELECT l.stopped, l.trials, l.lease_seconds, l.max_attempts,
       (SELECT count(*) FROM ledger.lease WHERE study_id = l.study_id) AS begun,
       (SELECT count(*) FROM ledger.lease k JOIN trials t USING (trial_id)
        WHERE k.study_id = l.study_id AND k.outcome IS NULL AND t.state = 'RUNNING') AS unended,
       (SELECT count(*) FROM ledger.rung r JOIN ledger.lease k USING (trial_id)
        JOIN trials t USING (trial_id)
        WHERE r.study_id = l.study_id AND NOT r.promoted AND k.outcome IS NULL
          AND t.state = 'RUNNING') AS paused,
       coalesce((SELECT sum(device_seconds) FROM ledger.lease
                 WHERE study_id = l.study_id), 0) AS device_spent,
       l.active_seconds + extract(epoch FROM clock_timestamp() - l.active_since) AS wall_spent,
       l.device_seconds, l.wall_seconds,
       (SELECT reason FROM ledger.conclusion WHERE study_id = l.study_id) AS concluded
FROM ledger.study l WHERE l.study_id = :study_id;

-- name: settle
-- Trials that a person ended with Optuna's tools, in a dashboard for example: nobody trains them.
UPDATE ledger.lease k
SET outcome = CASE t.state WHEN 'COMPLETE' THEN 'complete' WHEN 'PRUNED' THEN 'pruned'
                           ELSE 'failed' END
FROM trials t
WHERE t.trial_id = k.trial_id AND k.study_id = :study_id AND k.outcome IS NULL
  AND t.state IN ('COMPLETE', 'PRUNED', 'FAIL');

-- name: adoptable
-- Free, lost by this very worker (a claim whose answer never arrived), or expired. A lease cannot
-- expire while the database was down, nor while the asking worker could not reach it: the holder
-- was cut off as well and gets a whole lease time to come back.
SELECT k.trial_id, t.number, k.token, k.attempts, k.memory_retries, k.last_epoch, k.worker,
       NOT k.released AS lost
FROM ledger.lease k JOIN trials t USING (trial_id)
WHERE k.study_id = :study_id AND k.outcome IS NULL AND t.state = 'RUNNING'
  AND NOT EXISTS (SELECT FROM ledger.rung r WHERE r.trial_id = k.trial_id AND NOT r.promoted)
  AND (k.released
       OR k.heartbeat_at = to_timestamp(0)
       OR (k.worker = :worker AND NOT k.trial_id = ANY (:holding))
       OR least(extract(epoch FROM clock_timestamp()
                        - greatest(k.heartbeat_at, pg_postmaster_start_time())),
                :reachable_seconds) > :lease_seconds)
ORDER BY t.number
FOR UPDATE OF k SKIP LOCKED;

-- name: adopt
UPDATE ledger.lease
SET token = token + 1, worker = :worker, released = false, heartbeat_at = clock_timestamp(),
    attempts = :attempts, weights = NULL
WHERE trial_id = :trial_id
RETURNING token;

-- name: waiting
SELECT trial_id, number FROM trials
WHERE study_id = :study_id AND state = 'WAITING' ORDER BY number LIMIT 1 FOR UPDATE;

-- name: begin_waiting
UPDATE trials SET state = 'RUNNING', datetime_start = timezone('utc', clock_timestamp())
WHERE trial_id = :trial_id;

-- name: begin_new
INSERT INTO trials (number, study_id, state, datetime_start)
SELECT count(*), :study_id, 'RUNNING', timezone('utc', clock_timestamp())
FROM trials WHERE study_id = :study_id
RETURNING trial_id, number;

-- name: lease
INSERT INTO ledger.lease (trial_id, study_id, worker) VALUES (:trial_id, :study_id, :worker)
RETURNING token;

-- name: heartbeat
UPDATE ledger.lease
SET heartbeat_at = clock_timestamp(), device_seconds = device_seconds + :seconds
WHERE trial_id = :trial_id AND token = :token AND NOT released AND outcome IS NULL;

-- name: expire
UPDATE ledger.lease SET heartbeat_at = to_timestamp(0)
WHERE study_id = :study_id AND worker = :worker AND outcome IS NULL AND NOT released;

-- name: hold
-- Fences a write: the row stays locked until the transaction ends, so nobody adopts in between.
SELECT k.study_id FROM ledger.lease k JOIN trials t USING (trial_id)
WHERE k.trial_id = :trial_id AND k.token = :token AND NOT k.released AND k.outcome IS NULL
  AND t.state = 'RUNNING'
FOR UPDATE OF k;

-- name: ended_by
-- Whether this very lease was ended before: the answer to a repeated write whose first answer
-- never arrived.
SELECT 1 FROM ledger.lease
WHERE trial_id = :trial_id AND token = :token AND (released OR outcome IS NOT NULL);

-- name: progress
UPDATE ledger.lease
SET heartbeat_at = clock_timestamp(),
    attempts = CASE WHEN last_epoch IS NULL OR last_epoch < :epoch THEN 0 ELSE attempts END,
    last_epoch = greatest(coalesce(last_epoch, 0), :epoch)
WHERE trial_id = :trial_id;

-- name: intermediate_value
INSERT INTO trial_intermediate_values
    (trial_id, step, intermediate_value, intermediate_value_type)
VALUES (:trial_id, :step, :value, :type)
ON CONFLICT (trial_id, step) DO UPDATE
SET intermediate_value = excluded.intermediate_value,
    intermediate_value_type = excluded.intermediate_value_type;

-- name: epoch
INSERT INTO ledger.epoch (trial_id, epoch, token, worker, metrics)
VALUES (:trial_id, :epoch, :token, :worker, CAST(:metrics AS jsonb))
ON CONFLICT (trial_id, epoch) DO UPDATE
SET token = excluded.token, worker = excluded.worker, metrics = excluded.metrics,
    reported_at = clock_timestamp();

-- name: attribute
INSERT INTO trial_user_attributes (trial_id, key, value_json) VALUES (:trial_id, :key, :value)
ON CONFLICT (trial_id, key) DO UPDATE SET value_json = excluded.value_json;

-- name: drop_attribute
DELETE FROM trial_user_attributes WHERE trial_id = :trial_id AND key = :key;

-- name: system_attribute
INSERT INTO trial_system_attributes (trial_id, key, value_json) VALUES (:trial_id, :key, :value)
ON CONFLICT (trial_id, key) DO UPDATE SET value_json = excluded.value_json;

-- name: parameters
-- As Optuna stores them, numbers for choices. The first ones stay.
INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json)
SELECT t.trial_id, p.name, p.internal, p.distribution
FROM trials t, unnest(CAST(:names AS text[]), CAST(:internal AS double precision[]),
                      CAST(:distributions AS text[])) AS p (name, internal, distribution)
WHERE t.trial_id = :trial_id AND t.state = 'RUNNING'
ON CONFLICT (trial_id, param_name) DO NOTHING;

-- name: value
INSERT INTO trial_values (trial_id, objective, value, value_type)
VALUES (:trial_id, :objective, :value, :type);

-- name: end_trial
UPDATE trials SET state = :state, datetime_complete = timezone('utc', clock_timestamp())
WHERE trial_id = :trial_id;

-- name: end_lease
UPDATE ledger.lease
SET outcome = :outcome, weights = :weights, heartbeat_at = clock_timestamp()
WHERE trial_id = :trial_id;

-- name: release
UPDATE ledger.lease
SET released = true, attempts = attempts + :lost, memory_retries = memory_retries + :out_of_memory
WHERE trial_id = :trial_id
RETURNING attempts, memory_retries;

-- name: reach
INSERT INTO ledger.rung (trial_id, study_id, rung, value)
VALUES (:trial_id, :study_id, :rung, :value)
ON CONFLICT (trial_id, rung) DO NOTHING;

-- name: is_promoted
SELECT promoted FROM ledger.rung WHERE trial_id = :trial_id AND rung = :rung;

-- name: promotable
-- Of each rung the best 1 / reduction_factor go on (Li et al. 2020, algorithm 2): the first of
-- those that did not yet, from the highest rung down. Trials that have ended keep their places;
-- of equal values the earlier trial is the better one.
SELECT k.trial_id, t.number, k.attempts, k.memory_retries, k.last_epoch, k.worker
FROM (SELECT r.*, count(*) OVER (PARTITION BY rung) AS reached,
             row_number() OVER (PARTITION BY rung
                                ORDER BY :sign * value DESC NULLS LAST, number) AS place
      FROM ledger.rung r JOIN trials USING (trial_id) WHERE r.study_id = :study_id) p
JOIN ledger.lease k USING (trial_id) JOIN trials t USING (trial_id)
WHERE p.place <= p.reached / :reduction_factor AND p.value IS NOT NULL
  AND NOT p.promoted AND k.outcome IS NULL AND t.state = 'RUNNING'
  AND (CAST(:trial_id AS integer) IS NULL OR k.trial_id = :trial_id)
ORDER BY p.rung DESC, p.place LIMIT 1;

-- name: leader
-- Of the highest rung the best, so that a study whose trials are too few for its rungs ends with a
-- complete one.
SELECT k.trial_id, t.number, k.attempts, k.memory_retries, k.last_epoch, k.worker
FROM ledger.rung r JOIN ledger.lease k USING (trial_id) JOIN trials t USING (trial_id)
WHERE r.study_id = :study_id AND NOT r.promoted AND k.outcome IS NULL AND t.state = 'RUNNING'
  AND NOT EXISTS (SELECT FROM ledger.lease
                  WHERE study_id = :study_id AND outcome = 'complete')
ORDER BY r.rung DESC, :sign * r.value DESC NULLS LAST, t.number LIMIT 1;

-- name: climb
UPDATE ledger.rung SET promoted = true WHERE trial_id = :trial_id;

-- name: paused
SELECT k.trial_id, k.last_epoch, k.weights, coalesce(r.best, r.value) AS value
FROM ledger.rung r JOIN ledger.lease k USING (trial_id) JOIN trials t USING (trial_id)
WHERE r.study_id = :study_id AND NOT r.promoted AND k.outcome IS NULL AND t.state = 'RUNNING'
FOR UPDATE OF k;

-- name: rest
WITH released AS (
    UPDATE ledger.lease SET released = true, weights = :weights WHERE trial_id = :trial_id)
UPDATE ledger.rung SET best = :best WHERE trial_id = :trial_id AND NOT promoted;

-- name: never_promoted
SELECT t.number, k.weights
FROM ledger.rung r JOIN ledger.lease k USING (trial_id) JOIN trials t USING (trial_id)
WHERE r.study_id = :study_id AND NOT r.promoted AND k.outcome IS NOT NULL ORDER BY t.number;

-- name: running
SELECT t.number, k.worker, k.last_epoch, e.metrics,
       k.released OR k.heartbeat_at = to_timestamp(0) AS released  -- or its holder is known as dead
FROM ledger.lease k JOIN trials t USING (trial_id)
LEFT JOIN ledger.epoch e ON e.trial_id = k.trial_id AND e.epoch = k.last_epoch
WHERE k.study_id = :study_id AND k.outcome IS NULL AND t.state = 'RUNNING'
  AND NOT EXISTS (SELECT FROM ledger.rung r WHERE r.trial_id = k.trial_id AND NOT r.promoted)
ORDER BY t.number;

-- name: holders
SELECT DISTINCT worker FROM ledger.lease WHERE study_id = :study_id;

-- name: outcomes
SELECT outcome, count(*) AS trials FROM ledger.lease
WHERE study_id = :study_id AND outcome IS NOT NULL GROUP BY outcome;

-- name: curves
SELECT t.number, e.epoch, CAST(e.metrics ->> :metric AS float8) AS value
FROM ledger.epoch e JOIN trials t USING (trial_id)
WHERE t.study_id = :study_id ORDER BY t.number, e.epoch;

-- name: spent
SELECT t.number, k.device_seconds FROM ledger.lease k JOIN trials t USING (trial_id)
WHERE k.study_id = :study_id;

-- name: best
-- Of equals the earlier one. Infinity has no number in Optuna's table.
SELECT t.trial_id
FROM trials t JOIN trial_values v USING (trial_id)
WHERE t.study_id = :study_id AND t.state = 'COMPLETE' AND v.objective = 0
ORDER BY :sign * CASE v.value_type WHEN 'INF_POS' THEN 'Infinity'::float8
                                   WHEN 'INF_NEG' THEN '-Infinity'::float8 ELSE v.value END DESC,
         t.number
LIMIT 1;

-- name: weights
SELECT t.number, k.weights FROM ledger.lease k JOIN trials t USING (trial_id)
WHERE k.study_id = :study_id AND k.weights IS NOT NULL ORDER BY t.number;

-- name: history
SELECT e.epoch, e.metrics FROM ledger.epoch e JOIN trials t USING (trial_id)
WHERE t.study_id = :study_id AND t.number = :number ORDER BY e.epoch;

-- name: reporters
SELECT DISTINCT e.worker
FROM ledger.epoch e JOIN trials t USING (trial_id)
WHERE t.study_id = :study_id;

-- name: promote
INSERT INTO ledger.promotion (study_id, version, trial_id, metrics)
SELECT :study_id, :version, trial_id, CAST(:metrics AS jsonb)
FROM trials WHERE study_id = :study_id AND number = :number
ON CONFLICT (study_id, version) DO NOTHING;

-- name: promotions
SELECT p.version, t.number, p.metrics, p.promoted_at
FROM ledger.promotion p JOIN trials t USING (trial_id)
WHERE p.study_id = :study_id ORDER BY p.version;

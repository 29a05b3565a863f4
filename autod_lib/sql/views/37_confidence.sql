-- confidence_map: what is a stated confidence worth?   Reads scored_fields.   One row a (arm, is_simulated, fold, stated_from).
-- Isotonic regression of whether doc_type is right on the stated confidence, in hundredths (Barlow et al. 1972): the value at a level is the greatest, over all levels
-- below it, of the least mean from there to any level above it. Fold -1 is fitted on all labels; folds 0 to 4 on those of the other four fifths, split by the
-- document's hash, so that nothing is judged by what it was fitted on. A fit needs 30 labels, of which some are right and some wrong; without it there is no row.
create or replace view confidence_map as
with labelled as (
    select arm, is_simulated, round(confidence_score, 2) as stated, cast(is_right as integer) as hit, ascii(document_sha256[64]) % 5 as fold
    from scored_fields where field = 'doc_type' and confidence_score between 0 and 1
), levels as (
    select arm, is_simulated, folds.fold, stated, count(*) as labels, sum(hit) as hits
    from labelled join (select unnest([-1, 0, 1, 2, 3, 4]) as fold) as folds on labelled.fold <> folds.fold group by all
), enough as (
    select *, row_number() over word as place, sum(labels) over word as labels_to, sum(hits) over word as hits_to
    from levels
    window word as (partition by arm, is_simulated, fold order by stated)
    qualify sum(labels) over (partition by arm, is_simulated, fold) >= 30 and sum(hits) over (partition by arm, is_simulated, fold) > 0
            and sum(hits) over (partition by arm, is_simulated, fold) < sum(labels) over (partition by arm, is_simulated, fold)
), means as (
    select upper.arm, upper.is_simulated, upper.fold, lower.place as first_place, upper.place, upper.stated, upper.labels,
           (upper.hits_to - lower.hits_to + lower.hits) / (upper.labels_to - lower.labels_to + lower.labels) as mean
    from enough as lower join enough as upper on lower.arm = upper.arm and lower.is_simulated = upper.is_simulated and lower.fold = upper.fold and lower.place <= upper.place
), least as (
    select *, min(mean) over (partition by arm, is_simulated, fold, first_place order by place desc) as least_mean from means
)
select arm, is_simulated, fold, case when place = 1 then 0 else stated end as stated_from, any_value(labels) as labels, max(least_mean) as calibrated
from least group by arm, is_simulated, fold, place, stated;
comment on view confidence_map is 'What a stated confidence is worth, by isotonic regression. Grain: arm, is_simulated, fold, stated_from.';
comment on column confidence_map.arm is 'Arm.';
comment on column confidence_map.is_simulated is 'Whether the answers are simulated.';
comment on column confidence_map.fold is '-1: fitted on all labels; 0 to 4: fitted without the labels of this fifth.';
comment on column confidence_map.stated_from is 'Stated confidence from which this holds, 0 to 1.';
comment on column confidence_map.labels is 'Labels of just this stated confidence.';
comment on column confidence_map.calibrated is 'Share of such answers whose doc_type is right, 0 to 1.';
-- confidence_crossfitted: would it have held for documents it was not fitted on?   Reads scored_fields, confidence_map.   One row a (document_sha256, arm, is_simulated).
create or replace view confidence_crossfitted as
with labelled as (
    select document_sha256, arm, is_simulated, confidence_score, round(confidence_score, 2) as stated, is_right, ascii(document_sha256[64]) % 5 as fold
    from scored_fields where field = 'doc_type' and confidence_score between 0 and 1
)
select labelled.document_sha256, labelled.arm, labelled.is_simulated, labelled.confidence_score, labelled.is_right, confidence_map.calibrated
from labelled asof left join confidence_map
     on labelled.arm = confidence_map.arm and labelled.is_simulated = confidence_map.is_simulated and labelled.fold = confidence_map.fold
     and labelled.stated >= confidence_map.stated_from;
comment on view confidence_crossfitted is 'Labelled answers with the confidence they were given without their own label. Grain: document_sha256, arm, is_simulated.';
comment on column confidence_crossfitted.document_sha256 is 'Document.';
comment on column confidence_crossfitted.arm is 'Arm.';
comment on column confidence_crossfitted.is_simulated is 'Whether the answer is simulated.';
comment on column confidence_crossfitted.confidence_score is 'Stated confidence, 0 to 1.';
comment on column confidence_crossfitted.is_right is 'Whether doc_type is right.';
comment on column confidence_crossfitted.calibrated is 'Recalibrated confidence, fitted on the other four fifths, 0 to 1; NULL when there are too few labels.';
-- confidence_use: is the recalibrated confidence better than the stated one?   Reads confidence_crossfitted.   One row a (arm, is_simulated).
create or replace view confidence_use as
select arm, is_simulated, count(*) as labels, count(*) filter (where is_right) as right_answers,
       avg(cast(pow(confidence_score - cast(is_right as integer), 2) as decimal(18,12))) as brier_stated,
       avg(cast(pow(calibrated - cast(is_right as integer), 2) as decimal(18,12))) as brier_calibrated,
       coalesce(count(calibrated) = count(*) and brier_calibrated < brier_stated, false) as is_used
from confidence_crossfitted group by all;
comment on view confidence_use is 'Brier score of the stated and of the recalibrated confidence; the better one is used. Grain: arm, is_simulated.';
comment on column confidence_use.arm is 'Arm.';
comment on column confidence_use.is_simulated is 'Whether the answers are simulated.';
comment on column confidence_use.labels is 'Labelled answers with a confidence.';
comment on column confidence_use.right_answers is 'Of these, with the right doc_type.';
comment on column confidence_use.brier_stated is 'Mean squared distance of the stated confidence from 1 (right) or 0 (wrong).';
comment on column confidence_use.brier_calibrated is 'The same of the recalibrated confidence, cross-fitted; NULL when there are too few labels.';
comment on column confidence_use.is_used is 'Whether the review queue uses the recalibrated one.';

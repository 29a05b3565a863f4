-- calibration: does a stated confidence of 0.8 mean right eight times in ten?   Reads scored_fields.   One row a (arm, bin, is_simulated).
create or replace view calibration as
with binned as (
    select *, cast(least(floor(confidence_score * 10), 9) as integer) as bin from scored_fields where field = 'doc_type' and confidence_score between 0 and 1
)
select arm, is_simulated, bin, bin / 10 as confidence_low, (bin + 1) / 10 as confidence_high, count(*) as documents, avg(cast(confidence_score as decimal(18,9))) as mean_confidence,
       avg(cast(is_right as integer)) as share_right, wilson_low(count(*) filter (where is_right), count(*)) as share_right_low,
       wilson_high(count(*) filter (where is_right), count(*)) as share_right_high
from binned group by all;
comment on view calibration is 'Stated confidence in doc_type against how often it is right. Grain: arm, bin, is_simulated.';
comment on column calibration.arm is 'Arm.';
comment on column calibration.is_simulated is 'Whether the answers are simulated.';
comment on column calibration.bin is 'Tenth of the confidence scale, 0 to 9.';
comment on column calibration.confidence_low is 'Lower end of the bin.';
comment on column calibration.confidence_high is 'Upper end of the bin.';
comment on column calibration.documents is 'Labelled documents in it.';
comment on column calibration.mean_confidence is 'Mean stated confidence.';
comment on column calibration.share_right is 'Share whose doc_type is right.';
comment on column calibration.share_right_low is 'Lower end of its 95 % Wilson interval.';
comment on column calibration.share_right_high is 'Upper end of its 95 % Wilson interval.';

package fsck

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/processors/payments"
	"github.com/weirhq/weir/topics"
)

// eventAnswers compares answers of one partition with what was decided on the customer events that they name. The id of an
// event is forgotten some day, and an answer that is as old cannot be compared.
func (p *partitionCheck) eventAnswers(ctx context.Context, answers []answer) error {
	ids, scopes := make([][16]byte, len(answers)), make([]int32, len(answers))
	for i := range answers {
		ids[i] = uuid.FromStringOrNil(answers[i].EventID)
		_, _, scopes[i] = payments.Scopes(answers[i].Tenant)
	}
	type row struct{ Position *int64 }
	rows, err := collect[row](ctx, p.checker, `
SELECT found.position FROM unnest($2::uuid[], $3::int4[]) WITH ORDINALITY AS wanted(id, scope, place)
LEFT JOIN LATERAL (SELECT position FROM applied_inputs
	WHERE partition = $1 AND id = wanted.id AND scope IN (wanted.scope, 0) LIMIT 1) AS found ON true
ORDER BY wanted.place`, p.snapshot.partition, ids, scopes)
	if err != nil {
		return fmt.Errorf("look customer events of answers up: %w", err)
	}
	var positions []int64
	for _, r := range rows {
		if r.Position != nil {
			positions = append(positions, *r.Position)
		}
	}
	frames, err := p.framesAt(ctx, positions)
	if err != nil {
		return err
	}
	for i := range answers {
		a := &answers[i]
		var decision *topics.Decision
		if at := rows[i].Position; at != nil {
			decision = p.decided(a, *at, frames[*at])
		}
		if decision == nil {
			if !a.forgotten() {
				p.problem("answer", a.subject(), "it names customer event %s, on which the log has no decision", a.EventID)
			}
			continue
		}
		if difference := a.differsOfDecision(decision); difference != "" {
			p.problem("answer", a.subject(), "%s of customer event %s", difference, a.EventID)
		}
	}
	return nil
}

// decided is the decision on the customer event that an answer names, nil where the record at the position is none.
func (p *partitionCheck) decided(a *answer, position int64, frame []byte) *topics.Decision {
	_, outputs, err := p.frames.Decode(p.snapshot.partition, position, frame)
	if err != nil {
		return nil // said of the log
	}
	for i := range outputs {
		var d topics.Decision
		if o := &outputs[i]; o.Topic == topics.Decisions && topics.Unmarshal(o.Value, &d) == nil && d.Tenant == a.Tenant && d.EventID == a.EventID {
			return &d
		}
	}
	return nil
}

// forgotten says that the key is as old as what is no longer remembered of inputs.
func (a *answer) forgotten() bool {
	stamp, err := uuid.TimestampFromV7(uuid.UUID(a.Command))
	if err != nil {
		return false
	}
	issued, err := stamp.Time()
	return err == nil && time.Since(issued) > topics.DedupHorizon
}

// differsOfDecision says what an answer tells otherwise than the decision on the customer event, "" for nothing.
func (a *answer) differsOfDecision(d *topics.Decision) string {
	var told struct {
		Outcome topics.Outcome `json:"outcome"`
		Reasons []string       `json:"reasons"`
		Score   int64          `json:"score"`
	}
	err := json.Unmarshal(a.Body, &told)
	switch {
	case err != nil:
		return fmt.Sprintf("what it says (%v) is no answer", err)
	case a.EventID != uuid.UUID(a.Command).String():
		return fmt.Sprintf("its key stands for %s, it tells", uuid.UUID(a.Command))
	case a.CustomerID != d.CustomerID:
		return fmt.Sprintf("it says customer %s instead of %s", a.CustomerID, d.CustomerID)
	case told.Outcome != d.Outcome || told.Score != d.Score || !slices.Equal(told.Reasons, d.Reasons):
		return fmt.Sprintf("it says %s with score %d for %q instead of %s with score %d for %q", told.Outcome, told.Score, told.Reasons, d.Outcome, d.Score, d.Reasons)
	}
	return ""
}

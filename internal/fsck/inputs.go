package fsck

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"math"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/jackc/pgx/v5"

	"github.com/weirhq/weir/processors/payments"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// A command, a customer event or a webhook's fact that is not remembered is folded again when it comes again, so each one
// that an event or a decision names must be in applied_inputs, until it is older than any that are still taken. What led to
// neither cannot be looked for.
//
// Commands and customer events, of which nearly every record is one, are added up like rounds, and looked up where the sums
// differ.

// inputCheck is what the log says of the inputs that must be remembered.
type inputCheck struct {
	cutoff   time.Time // younger records must be remembered
	since    int64     // position of the first of them
	commands uint64    // sum of the hashes of their ids, scopes and positions, and of those of customer events
	scopes   map[string]inputScopes
	facts    []foldedInput // of webhooks, in the page in hand
	last     foldedInput   // the last command
}

// inputScopes are those of a tenant.
type inputScopes struct{ command, report, event int32 }

// foldedInput is an input and the position of the record that was it.
type foldedInput struct {
	id       uuid.UUID
	scope    int32
	position int64
}

func newInputCheck(now time.Time) inputCheck {
	return inputCheck{cutoff: now.Add(-topics.DedupHorizon), since: math.MaxInt64, scopes: map[string]inputScopes{}}
}

// record begins a record of the log.
func (c *inputCheck) record(position int64, at time.Time) {
	if c.since == math.MaxInt64 && !at.Before(c.cutoff) {
		c.since = position
	}
}

// command is the input that an event names as the command that caused it; ok is false where none is remembered, or it is
// the one of the event before.
func (c *inputCheck) command(tenant, id string, refusal topics.RefusalCode, position int64) (in foldedInput, ok bool) {
	// The id of a refused duplicate is remembered of another record.
	if position < c.since || id == "" || refusal == topics.RefusedDuplicateCommand {
		return in, false
	}
	in = foldedInput{uuid.FromStringOrNil(id), c.of(tenant).command, position}
	if in.id == uuid.Nil || in == c.last {
		return in, false
	}
	c.last = in
	return in, true
}

// fact is the webhook's fact that an event tells of, if it does.
func (c *inputCheck) fact(e *topics.PaymentEvent, position int64) (in foldedInput, ok bool) {
	if !belongs(e) {
		return in, false
	}
	return c.reported(e.Tenant, e.PSP, position)
}

// reported is the webhook's fact that PSPData is, if it is one.
func (c *inputCheck) reported(tenant string, said *topics.PSPData, position int64) (in foldedInput, ok bool) {
	if position < c.since || said == nil || said.Source != topics.SourceWebhook {
		return in, false
	}
	in = foldedInput{uuid.FromStringOrNil(said.ReportID), c.of(tenant).report, position}
	return in, in.id != uuid.Nil
}

// customerEvent is the customer event that a decision was made on, if it was on one.
func (c *inputCheck) customerEvent(o *stream.Output, position int64) (in foldedInput, ok bool) {
	if position < c.since || o.Topic != topics.Decisions || !bytes.Contains(o.Value, []byte(`"event_id":`)) {
		return in, false
	}
	var d struct {
		Tenant  string `json:"tenant"`
		EventID string `json:"event_id"`
	}
	if topics.UnmarshalInPlace(o.Value, &d) != nil || d.EventID == "" {
		return in, false
	}
	return foldedInput{uuid.FromStringOrNil(d.EventID), c.of(d.Tenant).event, position}, true
}

func (c *inputCheck) of(tenant string) inputScopes {
	s, known := c.scopes[tenant]
	if !known {
		s.command, s.report, s.event = payments.Scopes(tenant)
		c.scopes[strings.Clone(tenant)] = s
	}
	return s
}

func (in *foldedInput) hash(seed maphash.Seed) uint64 {
	var buffer [16 + 4 + 8]byte
	b := binary.LittleEndian.AppendUint32(append(buffer[:0], in.id[:]...), uint32(in.scope))
	return maphash.Bytes(seed, binary.LittleEndian.AppendUint64(b, uint64(in.position)))
}

// commanded notes the command that caused an event.
func (p *partitionCheck) commanded(tenant, id string, refusal topics.RefusalCode, position int64) {
	if in, ok := p.inputs.command(tenant, id, refusal, position); ok {
		p.inputs.commands += in.hash(p.seed)
	}
}

// remembered checks that what the log has folded is in applied_inputs.
func (p *partitionCheck) remembered(ctx context.Context) error {
	stored, err := p.rememberedCommands(ctx)
	if err != nil || stored == p.inputs.commands {
		return err
	}
	p.inputs.last = foldedInput{}
	return p.eachPage(ctx, func(rows []frameRow) error {
		var commands, events []foldedInput
		add := func(tenant, id string, refusal topics.RefusalCode, position int64) {
			if in, ok := p.inputs.command(tenant, id, refusal, position); ok {
				commands = append(commands, in)
			}
		}
		for i := range rows {
			_, outputs, err := p.frames.Decode(p.snapshot.partition, rows[i].Position, rows[i].Frame)
			if err != nil {
				continue // reported
			}
			for j := range outputs {
				if in, ok := p.inputs.customerEvent(&outputs[j], rows[i].Position); ok {
					events = append(events, in)
				}
				var paid topics.PaymentEvent
				var moved topics.WalletEvent
				var out topics.PayoutEvent
				var linked topics.LinkEvent
				var disputed topics.DisputeEvent
				var closed topics.PeriodClosed
				var known topics.CustomerChange
				switch o := &outputs[j]; {
				case o.Topic == topics.Events && topics.UnmarshalInPlace(o.Value, &paid) == nil && paid.Type != topics.EventDeadLettered:
					add(paid.Tenant, paid.CommandID, paid.Refusal, rows[i].Position)
				case o.Topic == topics.WalletEvents && topics.UnmarshalInPlace(o.Value, &moved) == nil && moved.Type != topics.WalletDeadLettered:
					add(moved.Tenant, moved.CommandID, moved.Refusal, rows[i].Position)
				case o.Topic == topics.PayoutEvents && topics.UnmarshalInPlace(o.Value, &out) == nil && out.Type != topics.PayoutDeadLettered:
					add(out.Tenant, out.CommandID, out.Refusal, rows[i].Position)
				case o.Topic == topics.LinkEvents && topics.UnmarshalInPlace(o.Value, &linked) == nil && linked.Type != topics.LinkDeadLettered:
					add(linked.Tenant, linked.CommandID, linked.Refusal, rows[i].Position)
				case o.Topic == topics.DisputeEvents && topics.UnmarshalInPlace(o.Value, &disputed) == nil && disputed.Type != topics.DisputeDeadLettered:
					add(disputed.Tenant, disputed.CommandID, disputed.Refusal, rows[i].Position)
				case o.Topic == topics.CustomerChanges && topics.UnmarshalInPlace(o.Value, &known) == nil && known.Type != topics.CustomerDeadLettered:
					add(known.Tenant, known.CommandID, known.Refusal, rows[i].Position)
				case o.Topic == topics.LedgerPeriods && topics.UnmarshalInPlace(o.Value, &closed) == nil && !putAside(closed.Refusal):
					add(closed.Tenant, closed.CommandID, closed.Refusal, rows[i].Position)
				}
			}
		}
		if err := p.lookUp(ctx, "customer event", events); err != nil {
			return err
		}
		return p.lookUp(ctx, "command", commands)
	})
}

// putAside says that the refusal is that of a dead letter, which is not remembered.
func putAside(code topics.RefusalCode) bool {
	return code == topics.RefusedUndecodable || code == topics.RefusedPoison
}

const (
	selectInputs = `SELECT id, scope, position FROM applied_inputs
WHERE partition = $1 AND (id, scope) > ($2, $3) ORDER BY id, scope LIMIT $4`
	pageInputs = 20_000
)

// rememberedCommands adds up what the table holds of the records that are checked.
func (p *partitionCheck) rememberedCommands(ctx context.Context) (sum uint64, err error) {
	reports := map[int32]bool{}
	for _, s := range p.inputs.scopes {
		reports[s.report] = true
	}
	last := foldedInput{scope: math.MinInt32}
	for {
		n, page, at := 0, uint64(0), last
		err := p.read(ctx, func(tx pgx.Tx) error {
			n, page, at = 0, 0, last
			rows, err := tx.Query(ctx, selectInputs, pgx.QueryResultFormats{pgx.BinaryFormatCode}, p.snapshot.partition, last.id, last.scope, pageInputs)
			if err != nil {
				return err
			}
			defer rows.Close()
			for ; rows.Next(); n++ {
				raw := rows.RawValues()
				at = foldedInput{uuid.UUID(raw[0]), int32(binary.BigEndian.Uint32(raw[1])), integer(raw[2])}
				if at.position >= p.inputs.since && at.position < p.next && !reports[at.scope] {
					page += at.hash(p.seed)
				}
			}
			return rows.Err()
		})
		if err != nil {
			return 0, fmt.Errorf("read applied_inputs: %w", err)
		}
		sum, last = sum+page, at
		if n < pageInputs {
			return sum, nil
		}
	}
}

// lookUp reports the inputs that are not in the table. What is remembered of an earlier record is forgotten too early.
func (p *partitionCheck) lookUp(ctx context.Context, kind string, inputs []foldedInput) error {
	if len(inputs) == 0 {
		return nil
	}
	ids, scopes, positions := make([][16]byte, len(inputs)), make([]int32, len(inputs)), make([]int64, len(inputs))
	for i, in := range inputs {
		ids[i], scopes[i], positions[i] = in.id, in.scope, in.position
	}
	type row struct {
		ID       [16]byte
		Position int64
		Found    *int64
	}
	rows, err := collect[row](ctx, p.checker, `
SELECT wanted.id, wanted.position, found.position FROM unnest($2::uuid[], $3::int4[], $4::int8[]) AS wanted(id, scope, position)
LEFT JOIN LATERAL (SELECT position FROM applied_inputs
	WHERE partition = $1 AND id = wanted.id AND scope IN (wanted.scope, 0) LIMIT 1) AS found ON true
WHERE found.position IS NULL OR found.position < wanted.position`, p.snapshot.partition, ids, scopes, positions)
	if err != nil {
		return fmt.Errorf("look inputs up in applied_inputs: %w", err)
	}
	for _, r := range rows {
		subject := kind + " " + uuid.UUID(r.ID).String()
		if r.Found == nil {
			p.problem("input", subject, "the record at position %d was it, but applied_inputs does not have it: it would be folded again", r.Position)
			continue
		}
		p.problem("input", subject, "the record at position %d was it, applied_inputs has it at %d", r.Position, *r.Found)
	}
	return nil
}

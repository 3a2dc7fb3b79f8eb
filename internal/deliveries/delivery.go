// Package deliveries reads the log of webhooks for people: each delivery as it was received, and what became of it.
//
// Nothing is kept for it besides what the engine keeps anyway. The deliveries stand in psp.webhooks.v1; each is mapped again
// as the role maps it, and its report's id is looked for among the applied inputs, the parked rows and the dead letters.
package deliveries

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/processors/webhooks"
	"github.com/weirhq/weir/topics"
)

// State is what became of a delivery.
type State string

const (
	Applied      State = "applied"       // its report was folded, by this delivery or by another one of the same event
	Parked       State = "parked"        // its payment is not known yet; it is tried again
	DeadLettered State = "dead_lettered" // put aside
	Waiting      State = "waiting"       // on its way
	Forgotten    State = "forgotten"     // older than ids are remembered: it cannot be told any more
)

// States lists them.
func States() []State { return []State{Applied, Parked, DeadLettered, Waiting, Forgotten} }

// ID is the place of a delivery in psp.webhooks.v1.
type ID struct {
	Partition int32
	Offset    int64
}

func (id ID) String() string { return fmt.Sprintf("%d:%d", id.Partition, id.Offset) }

// ParseID reads what String wrote.
func ParseID(s string) (ID, error) {
	first, second, _ := strings.Cut(s, ":")
	partition, err1 := strconv.ParseInt(first, 10, 32)
	offset, err2 := strconv.ParseInt(second, 10, 64)
	if err1 != nil || err2 != nil || partition < 0 || offset < 0 {
		return ID{}, fmt.Errorf("webhook %.64q: want partition:offset, as weir webhooks list prints it", s)
	}
	return ID{int32(partition), offset}, nil
}

// Delivery is one webhook as it was received, and what became of it.
type Delivery struct {
	ID         ID        `json:"-"`
	PSP        string    `json:"psp"`
	DeliveryID string    `json:"delivery_id"` // the PSP's
	TraceID    string    `json:"trace_id,omitempty"`
	Received   time.Time `json:"received"`
	ReplayOf   string    `json:"replay_of,omitempty"`
	Report     *Report   `json:"report,omitempty"` // nil where it does not map
	State      State     `json:"state"`
	// Record is the record of the inbox that told of it first, partition-position: events and entries that it caused begin so.
	Record string `json:"record,omitempty"`
	// ParkedUntil is when it is tried again, Attempts how often it was.
	ParkedUntil time.Time          `json:"parked_until,omitzero"`
	Attempts    int32              `json:"attempts,omitempty"`
	Letter      string             `json:"letter,omitempty"` // the dead letter, topic:partition:offset
	Reason      topics.RefusalCode `json:"reason,omitempty"` // dead_lettered: why
	Why         string             `json:"why,omitempty"`    // parked, dead_lettered: in words

	record   *kgo.Record
	report   topics.PSPReport
	mapError error
}

// Report is what a delivery says.
type Report struct {
	ID           string              `json:"report_id"`
	PaymentID    string              `json:"payment_id,omitempty"` // "" where the payment is not known
	Named        string              `json:"merchant_reference,omitempty"`
	PSPReference string              `json:"psp_reference,omitempty"`
	Operation    topics.PSPOperation `json:"operation"`
	Outcome      topics.PSPOutcome   `json:"outcome"`
	Dispute      string              `json:"dispute,omitempty"`      // what the PSP calls the dispute that it tells of
	DisputeFact  topics.DisputeFact  `json:"dispute_fact,omitempty"` // what it tells of it
	Amount       int64               `json:"amount,omitempty"`
	Currency     string              `json:"currency,omitempty"`
}

// Body is the raw body as it was received, card numbers masked.
func (d *Delivery) Body() []byte { return d.record.Value }

// deliveryOf reads a record of psp.webhooks.v1 by what maps webhooks now.
func deliveryOf(r *kgo.Record, mappers webhooks.Mappers) *Delivery {
	d := &Delivery{ID: ID{r.Partition, r.Offset}, Received: r.Timestamp.UTC(), record: r}
	record := recordOf(r)
	if envelope, err := topics.ParseEnvelope(record.Headers); err == nil {
		d.PSP, d.DeliveryID, d.TraceID = envelope.Subject, envelope.ID, envelope.TraceID
		if !envelope.Time.IsZero() {
			d.Received = envelope.Time.UTC()
		}
	}
	for _, h := range record.Headers {
		if h.Key == topics.HeaderReplayOf {
			d.ReplayOf = string(h.Value)
		}
	}
	if d.report, d.mapError = mappers.Map(record); d.mapError == nil {
		p := &d.report
		d.Report = &Report{ID: p.ReportID, Named: p.PaymentID, PSPReference: p.PSPReference, Operation: p.Operation, Outcome: p.Outcome, Amount: p.Amount, Currency: p.Currency}
		if p.Dispute != nil {
			d.Report.Dispute, d.Report.DisputeFact = p.Dispute.Reference, p.Dispute.Fact
		}
	}
	return d
}

func recordOf(r *kgo.Record) stream.Record {
	record := stream.Record{Partition: r.Partition, Position: r.Offset, Time: r.Timestamp, Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		record.Headers = append(record.Headers, topics.Header{Key: h.Key, Value: h.Value})
	}
	return record
}

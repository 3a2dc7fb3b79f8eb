package velocity

import (
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/rules/velocity"
	"github.com/weirhq/weir/topics"
)

// TestADisputeCountsOnce: by the event of its payment with which it becomes a chargeback, and by no later one.
func TestADisputeCountsOnce(t *testing.T) {
	payment := topics.PaymentID{Partition: 3, UUID: uuid.NewV5(uuid.NamespaceURL, "payment")}
	e := topics.PaymentEvent{
		EventID: "3-7-0", Type: topics.EventDisputed, PaymentID: payment.String(), At: time.UnixMilli(1_700_000_000_000), Amount: 4000, Currency: "EUR",
		Dispute: &topics.DisputeChange{DisputeID: "dp_1", First: true, Disputing: 4000},
	}
	told := func() []stream.Message {
		value, err := topics.Marshal(&e)
		if err != nil {
			t.Fatal(err)
		}
		messages, letter, err := toOutcome(t.Context(), stream.Record{Partition: 3, Value: value})
		if letter != nil || err != nil {
			t.Fatalf("%+v, %v", letter, err)
		}
		return messages
	}
	messages := told()
	if len(messages) != 1 {
		t.Fatalf("%d outcomes", len(messages))
	}
	var o velocity.Outcome
	if err := o.Decode(messages[0].Value); err != nil {
		t.Fatal(err)
	}
	if o.Kind != velocity.KindDisputed || o.ID != payment.UUID || o.Position != 7 || o.Amount != 4000 {
		t.Errorf("outcome %+v", o)
	}
	e.Dispute = &topics.DisputeChange{DisputeID: "dp_1", Disputing: -4000, Disputed: 4000}
	if messages := told(); len(messages) != 0 {
		t.Errorf("counted again: %+v", messages)
	}
}

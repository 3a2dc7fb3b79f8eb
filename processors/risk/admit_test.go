package risk

import (
	"reflect"
	"testing"
	"time"

	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/topics"
)

// TestLinksAndDisputesAreRefusedByNameOnly: commands on which no rule is evaluated go on as names alone, too, where they are refused.
func TestLinksAndDisputesAreRefusedByNameOnly(t *testing.T) {
	const id = "0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b"
	a := testAssessor(t)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	record := stream.Record{Time: at, Value: []byte(`{"command_id":"` + id + `","type":"create","tenant":"acme","customer_id":"cus_1","amount":1000,"currency":"EUR",
"description":"card ` + cardNumber + `","note":"` + cardNumber + `","link_id":"no id","dispute_id":"no id","trace_id":"trace-1"}`)}

	messages, dead, err := a.Link(t.Context(), record)
	var link topics.AssessedLinkCommand
	if err != nil || dead != nil || topics.Unmarshal(messages[0].Value, &link) != nil || link.Refusal == nil || link.Refusal.Code != topics.RefusedCardNumber {
		t.Fatalf("%+v, %v, %v", link, dead, err)
	}
	if want := (topics.LinkCommand{CommandID: id, Tenant: "acme", CustomerID: "cus_1", TraceID: "trace-1", Region: link.Command.Region}); !reflect.DeepEqual(link.Command, want) {
		t.Errorf("%+v is left, want %+v", link.Command, want)
	}

	messages, dead, err = a.Dispute(t.Context(), record)
	var dispute topics.AssessedDisputeCommand
	if err != nil || dead != nil || topics.Unmarshal(messages[0].Value, &dispute) != nil || dispute.Refusal == nil || dispute.Refusal.Code != topics.RefusedCardNumber {
		t.Fatalf("%+v, %v, %v", dispute, dead, err)
	}
	if want := (topics.DisputeCommand{CommandID: id, Tenant: "acme", CustomerID: "cus_1", TraceID: "trace-1", Region: dispute.Command.Region}); !reflect.DeepEqual(dispute.Command, want) {
		t.Errorf("%+v is left, want %+v", dispute.Command, want)
	}
}

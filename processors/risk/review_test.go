package risk

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/uuid/v5"

	"github.com/weirhq/weir/internal/reference/schematest"
	"github.com/weirhq/weir/processors/stream"
	"github.com/weirhq/weir/rules"
	"github.com/weirhq/weir/topics"
)

const reviewRules = `stage: after_authorization
rules:
  - { name: cvv_mismatch, when: authorization.cvv == "N", outcome: block, on_missing: hold }
  - { name: risky_card, when: bin.risk > 50 && authorization.liability_shift == "no", outcome: hold, on_missing: hold }
`

// reviewOf is a request for a customer's payment, in the customer's partition.
func reviewOf(auth *topics.AuthData) topics.ReviewRequest {
	partition := topics.PartitionOf("acme", "cus_1", partitions)
	payment := strings.Replace(paymentID, "_0001_", "_000"+string(rune('0'+partition))+"_", 1)
	return topics.ReviewRequest{
		PaymentID: payment,
		Command: topics.Command{CommandID: commandID, Type: topics.CommandCreate, Tenant: "acme", Region: "eu", CustomerID: "cus_1",
			Amount: 4000, Currency: "EUR", TraceID: "trace-1", Card: &topics.Card{Token: "tok_approve", BIN: "411111"}},
		Authorization: topics.Authorization{PSP: "sandbox", Amount: 4000, Authentication: auth},
	}
}

func reviewed(t *testing.T, a *Assessor, request any, partition int32) ([]stream.Message, *stream.DeadLetter) {
	t.Helper()
	value, err := topics.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	messages, dead, err := a.Review(t.Context(), stream.Record{Partition: partition, Time: time.Unix(1_800_000_000, 0).UTC(), Value: value})
	if err != nil {
		t.Fatal(err)
	}
	return messages, dead
}

// TestReview: a review is decided on what stands in the request, which stands in the answer, so that it can be recomputed;
// the answer goes to the payment's partition.
func TestReview(t *testing.T) {
	schemas := schematest.Compile(t)
	live := compile(t, reviewRules)
	for name, c := range map[string]struct {
		set     *rules.Set
		auth    *topics.AuthData
		outcome topics.Outcome
		decided bool
	}{
		"lets pass":            {live, &topics.AuthData{CVV: "M", ECI: "05"}, topics.OutcomePass, true},
		"blocks":               {live, &topics.AuthData{CVV: "N", ECI: "05"}, topics.OutcomeBlock, true},
		"holds, by data files": {live, &topics.AuthData{CVV: "M", ECI: "07"}, topics.OutcomeHold, true},
		"knows nothing":        {live, nil, topics.OutcomeHold, true},
		"has lost its rules":   {testSet(t), &topics.AuthData{CVV: "N"}, topics.OutcomePass, false},
	} {
		a, err := assessorOf(c.set)
		if err != nil {
			t.Fatal(err)
		}
		a.candidate = &candidate{set: func() *rules.Set { return live }, edits: unedited}
		request := reviewOf(c.auth)
		request.Before.Enrichment = &topics.Enrichment{BIN: &topics.BIN{Risk: 90}}
		payment, err := topics.ParsePaymentID(request.PaymentID)
		if err != nil {
			t.Fatal(err)
		}
		messages, dead := reviewed(t, a, &request, payment.Partition)
		if dead != nil || len(messages) != 1 {
			t.Fatalf("%s: %v, %v", name, messages, dead)
		}
		m := &messages[0]
		if _, err := schemas.CheckRecord(m.Topic, m.Envelope.Type, m.Value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if m.Partition != payment.Partition || m.Topic != topics.Inbox || m.Envelope.Subject != request.PaymentID || string(m.Key) != "cus_1" {
			t.Errorf("%s: %s %d %q for %s", name, m.Topic, m.Partition, m.Key, m.Envelope.Subject)
		}
		var in topics.AssessedAuthorization
		if err := topics.Unmarshal(m.Value, &in); err != nil {
			t.Fatal(err)
		}
		if in.Decision.Outcome != c.outcome || (in.Decision.RuleSet != "") != c.decided || (in.Decision.Candidate != nil) != c.decided {
			t.Errorf("%s: %+v", name, in.Decision)
		}
		again := c.set.Evaluate(rules.InputOfReview(&in.Review, in.AssessedAt))
		again.Candidate = in.Decision.Candidate
		if !reflect.DeepEqual(again, in.Decision) {
			t.Errorf("%s: recomputed %+v, was %+v", name, again, in.Decision)
		}
	}
}

// TestReviewOfAGuest: rules see no customer, and the answer goes where the guest's payment is.
func TestReviewOfAGuest(t *testing.T) {
	a, err := assessorOf(compile(t, "stage: after_authorization\nrules: [{ name: guest, when: \"!known(customer.id)\", outcome: hold, on_missing: hold }]\n"))
	if err != nil {
		t.Fatal(err)
	}
	id := uuid.FromStringOrNil(commandID)
	partition := topics.PartitionOf("acme", topics.GuestCustomer(id), partitions)
	request := reviewOf(nil)
	request.PaymentID, request.Command.CustomerID = topics.PaymentID{Partition: partition, UUID: id}.String(), ""
	messages, dead := reviewed(t, a, &request, partition)
	if dead != nil || len(messages) != 1 || messages[0].Partition != partition || string(messages[0].Key) != topics.GuestCustomer(id) {
		t.Fatalf("%+v, %v", messages, dead)
	}
	var in topics.AssessedAuthorization
	if err := topics.Unmarshal(messages[0].Value, &in); err != nil || in.Decision.Outcome != topics.OutcomeHold {
		t.Errorf("%+v, %v", in.Decision, err)
	}
}

// TestReviewsThatAreNone are put aside.
func TestReviewsThatAreNone(t *testing.T) {
	a, err := assessorOf(compile(t, reviewRules))
	if err != nil {
		t.Fatal(err)
	}
	good := reviewOf(nil)
	home, err := topics.ParsePaymentID(good.PaymentID)
	if err != nil {
		t.Fatal(err)
	}
	unnamed, strange := good, good
	unnamed.PaymentID = ""
	strange.Command.CustomerID = "somebody_else"
	for name, c := range map[string]struct {
		request   any
		partition int32
		reason    topics.RefusalCode
	}{
		"no record":            {[]int{1}, home.Partition, topics.RefusedUndecodable},
		"no payment":           {&unnamed, home.Partition, topics.RefusedInvalid},
		"of another partition": {&good, (home.Partition + 1) % partitions, topics.RefusedInvalid},
		"of another customer":  {&strange, home.Partition, topics.RefusedInvalid},
	} {
		if messages, dead := reviewed(t, a, c.request, c.partition); dead == nil || dead.Reason != c.reason {
			t.Errorf("%s: %v, %v", name, messages, dead)
		}
	}
}

package topics_test

import (
	"strings"
	"testing"

	"github.com/weirhq/weir/topics"
)

func TestStatementDescriptor(t *testing.T) {
	for text, wrong := range map[string]string{
		"ACME SHOES": "", "Acme, Ltd. 24/7 #1": "", "ABCDE": "", strings.Repeat("A", 22): "",
		"ACME": "5 to 22", strings.Repeat("A", 23): "5 to 22", "": "5 to 22",
		"12345": "letter", "ACME*SHOES": "character", "ACME'S": "character", "<ACME>": "character", `ACME\N`: "character",
		`"ACME"`: "character", "CAFÉ ROMA": "character", "ACME\tSHOES": "character", " ACME": "space", "ACME ": "space",
	} {
		if got := topics.InvalidDescriptor(text); (got == "") != (wrong == "") || !strings.Contains(got, wrong) {
			t.Errorf("%q: %q, want %q", text, got, wrong)
		}
	}
}

func TestStatementDescriptorOfACommand(t *testing.T) {
	c := topics.Command{
		CommandID: "0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b", Type: topics.CommandCreate, Tenant: "acme", Amount: 1, Currency: "EUR",
		Card: &topics.Card{Token: "tok"}, StatementDescriptor: "ACME SHOES",
	}
	if refusal := c.Validate(); refusal != nil {
		t.Errorf("refused: %s", refusal)
	}
	c.StatementDescriptor = "ACME*"
	if refusal := c.Validate(); refusal == nil || refusal.Code != topics.RefusedInvalid || !strings.HasPrefix(refusal.Detail, "statement_descriptor: ") {
		t.Errorf("%v, want invalid: statement_descriptor", refusal)
	}
	c.StatementDescriptor = "A 4111 1111 1111 1111"
	if refusal := c.Validate(); refusal == nil || refusal.Code != topics.RefusedCardNumber {
		t.Errorf("%v, want card_number", refusal)
	}
	c = topics.Command{
		CommandID: c.CommandID, Type: topics.CommandCapture, Tenant: "acme", CustomerID: "anna", StatementDescriptor: "ACME SHOES",
		PaymentID: "pay_0000_0190a3c45b6d7e8f9a0b1c2d3e4f5a6b",
	}
	if refusal := c.Validate(); refusal == nil || refusal.Code != topics.RefusedInvalid {
		t.Errorf("a capture with a descriptor: %v, want invalid", refusal)
	}
}

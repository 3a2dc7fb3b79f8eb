package api

import (
	"strings"
	"testing"

	"github.com/weirhq/weir/topics"
)

func TestDeclinesAreExplained(t *testing.T) {
	for _, c := range []struct {
		said              topics.PSPData
		category, message string
	}{
		{topics.PSPData{DeclineCode: "43", DeclineCategory: "lost_or_stolen"}, "lost_or_stolen", "Your bank declined the payment."},
		{topics.PSPData{DeclineCode: "new", DeclineCategory: "unknown"}, "unknown", "The payment was declined."},
		{topics.PSPData{DeclineCode: topics.DeclineNoRoute}, "refused_by_psp", "The payment could not be accepted."},
		{topics.PSPData{DeclineCode: topics.DeclineNotPerformed}, "processing_error", "Something went wrong. You were not charged."},
		{topics.PSPData{}, "refused_by_psp", "The payment could not be accepted."},
		{topics.PSPData{DeclineCode: "51"}, "", ""}, // of before there was a table: whose code it is, nobody said
		{topics.PSPData{DeclineCode: "1", DeclineCategory: "of a later version"}, "", ""},
	} {
		if category, message := explained(&c.said); category != c.category || !strings.HasPrefix(message, c.message) || c.message == "" && message != "" {
			t.Errorf("%+v: %s, %s", c.said, category, message)
		}
	}
}

// TestWhatThePSPRefusedAsSuch: without a code, its words say why.
func TestWhatThePSPRefusedAsSuch(t *testing.T) {
	e := topics.PaymentEvent{Type: topics.EventDeclined, PSP: &topics.PSPData{}, Detail: "unknown_token: there is no such test token"}
	if p := problemOfEvent(&e, nil); p.Message != "the PSP declined the payment: unknown_token: there is no such test token" || p.Details.DeclineCategory != "refused_by_psp" || p.Details.CustomerMessage == "" {
		t.Errorf("%+v %+v", p, p.Details)
	}
	e.PSP.DeclineCode = "51"
	if p := problemOfEvent(&e, nil); p.Message != "the PSP declined the payment" || p.Details.DeclineCode != "51" {
		t.Errorf("with a code: %+v", p)
	}
	e.Type, e.PSP.DeclineCode = topics.EventCaptureFailed, ""
	if p := problemOfEvent(&e, nil); p.Message != "the PSP did not capture: unknown_token: there is no such test token" {
		t.Errorf("a capture: %+v", p)
	}
}

package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

func TestDisputeShow(t *testing.T) {
	at := time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)
	event := func(id string, e topics.DisputeEvent) topics.DisputeEvent {
		e.EventID, e.At, e.Tenant, e.CustomerID, e.Currency = id, at, "acme", "anna", "EUR"
		e.DisputeID, e.PaymentID = topics.DisputeID{Partition: 3}.String(), topics.PaymentID{Partition: 3}.String()
		e.Stage, e.Status = topics.StageChargeback, topics.DisputeStatusNeedsResponse
		return e
	}
	life := []topics.DisputeEvent{
		event("3-7-0", topics.DisputeEvent{Type: topics.DisputeOpened, Amount: 1000, Reason: "10.4", Category: "fraud", EvidenceDue: at.AddDate(0, 0, 7),
			Opened: &topics.DisputeData{PSP: "sandbox", Reference: "dsp_1"}, PSP: &topics.PSPData{Source: topics.SourceWebhook}}),
		event("3-8-0", topics.DisputeEvent{Type: topics.DisputeFundsWithdrawn, Amount: 1000, Movement: "dsp_1-1", Totals: &topics.DisputeTotals{Withdrawn: 1000}}),
		event("3-9-0", topics.DisputeEvent{Type: topics.DisputeCommandRefused, CommandID: "c1", Refusal: topics.RefusedByDashboardOnly, Detail: "answer in its dashboard"}),
		event("3-10-0", topics.DisputeEvent{Type: topics.DisputeEvidenceRequested, CommandID: "c2", Request: &topics.DisputeAsked{PSP: "sandbox", NotAfter: at},
			Evidence: &topics.DisputeEvidence{Text: "She passed\n3-D Secure.", Documents: []topics.EvidenceDocument{{Kind: "receipt", Reference: "file_1MpQ"}}}}),
	}
	var out bytes.Buffer
	if err := showDispute(&out, life); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"evidence  She passed", "3-D Secure.", "document  receipt: file_1MpQ", "dispute   dp_0003_", "at        sandbox: dsp_1", "amount    10.00 EUR", "reason    10.4 fraud", "status    submitting: ",
		"the PSP has taken 10.00 EUR", "by webhook", "movement dsp_1-1", "case by_dashboard_only, command c1, answer in its dashboard",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	out.Reset()
	if err := showDispute(&out, life[:2]); err != nil || !strings.Contains(out.String(), "evidence is wanted, or that it is given up: by 2026-02-07T09:30:00Z") {
		t.Errorf("%v\n%s", err, out.String())
	}
	inquiry := []topics.DisputeEvent{life[0]}
	inquiry[0].Stage = topics.StageInquiry
	out.Reset()
	if err := showDispute(&out, inquiry); err != nil || !strings.Contains(out.String(), "evidence is wanted, or a refund of the payment: by 2026") || strings.Contains(out.String(), "given up") {
		t.Errorf("an inquiry cannot be given up: %v\n%s", err, out.String())
	}
	if err := showDispute(&out, life[2:3]); err == nil {
		t.Error("a refusal alone is no dispute")
	}
}

func TestDisputeList(t *testing.T) {
	var out bytes.Buffer
	at := time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)
	page := []*view.Dispute{{ID: "dp_1", PSP: "stripe", PaymentID: "pay_1", CustomerID: "anna", Stage: topics.StageInquiry, Status: topics.DisputeStatusOverdue, Amount: 1050, Currency: "EUR", Reason: "4853", Category: "consumer", OpenedAt: at, EvidenceDue: at}}
	if err := listDisputes(&out, page, true); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"OPENED", "dp_1", "overdue", "10.50 EUR", "4853 consumer", "pay_1", "anna", "inquiry", "2026-01-31T09:30:00Z", "stripe", "There are more"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

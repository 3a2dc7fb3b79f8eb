package adyen_test

import (
	"testing"
	"time"

	"github.com/weirhq/weir/processors/psp/adyen"
	"github.com/weirhq/weir/topics"
)

// TestDisputeEvents: all of a dispute have one reference; funds are moved by chargebacks alone, and a reversal is no victory.
func TestDisputeEvents(t *testing.T) {
	a, err := adyen.New(adyen.Config{BaseURL: "http://127.0.0.1:1", Key: "k", MerchantAccount: "Acme"})
	if err != nil {
		t.Fatal(err)
	}
	const ours = "pay_0001_0198c0de0198700a800a0198c0de0001"
	with := func(changes ...any) object {
		item := object{
			"eventCode": "CHARGEBACK", "success": "true", "pspReference": "DISPUTE000000001", "originalReference": "PAYMENT000000001",
			"merchantAccountCode": "Acme", "merchantReference": ours, "amount": object{"currency": "EUR", "value": 1000}, "reason": "Other Fraud - Card Absent",
			"additionalData": object{"chargebackReasonCode": "10.4", "defensePeriodEndsAt": "2026-02-18T10:15:30+01:00"},
		}
		for i := 0; i < len(changes); i += 2 {
			item[changes[i].(string)] = changes[i+1]
		}
		return item
	}
	seen := map[string]string{}
	for code, fact := range map[string]topics.DisputeFact{
		"REQUEST_FOR_INFORMATION": topics.FactInquiry, "NOTIFICATION_OF_CHARGEBACK": topics.FactOpened, "INFORMATION_SUPPLIED": topics.FactEvidenceSubmitted,
		"CHARGEBACK": topics.FactFundsWithdrawn, "CHARGEBACK_REVERSED": topics.FactFundsReinstated, "SECOND_CHARGEBACK": topics.FactFundsWithdrawn,
		"PREARBITRATION_WON": topics.FactWon, "PREARBITRATION_LOST": topics.FactLost, "ISSUER_RESPONSE_TIMEFRAME_EXPIRED": topics.FactWon,
	} {
		report, err := a.Webhook(notification(t, with("eventCode", code)))
		if err != nil {
			t.Errorf("%s: %v", code, err)
			continue
		}
		d := report.Dispute
		if report.Operation != topics.OperationDispute || report.Outcome != topics.PSPApproved || report.PaymentID != ours || report.PSPReference != "PAYMENT000000001" ||
			report.Amount != 1000 || report.Currency != "EUR" || report.Fee != 0 || report.RequestID != "" || d.Fact != fact || d.Reference != "DISPUTE000000001" ||
			d.Reason != "10.4" || d.Category != "fraud" || !d.EvidenceDue.Equal(time.Date(2026, 2, 18, 9, 15, 30, 0, time.UTC)) {
			t.Errorf("%s: %+v %+v", code, report, d)
		}
		if other, ok := seen[report.ReportID]; ok {
			t.Errorf("%s and %s have one id", code, other)
		}
		seen[report.ReportID] = code
	}
	bare, err := a.Webhook(notification(t, with("additionalData", object{"chargebackReasonCode": "4111 1111 1111 1111", "defensePeriodEndsAt": "soon"})))
	if err != nil || bare.Dispute.Reason != "" || bare.Dispute.Category != "" || !bare.Dispute.EvidenceDue.IsZero() || bare.Dispute.Fact != topics.FactFundsWithdrawn {
		t.Errorf("with data of no use: %+v %+v, %v", bare, bare.Dispute, err)
	}
	for name, item := range map[string]object{
		"of no payment":       with("originalReference", ""),
		"that failed":         with("success", "false"),
		"currency of nowhere": with("amount", object{"currency": "ZZZ", "value": 1}),
		"masked":              with("pspReference", "************1111"),
		"fraud alert":         with("eventCode", "NOTIFICATION_OF_FRAUD"),
	} {
		if report, err := a.Webhook(notification(t, item)); err == nil {
			t.Errorf("%s: %+v", name, report)
		}
	}
}

package webhooks

import (
	"testing"

	"github.com/weirhq/weir/topics"
)

// What a movement of a dispute's funds costs is a fact of its own, with an id that is the same each time.
func TestFeeOfADispute(t *testing.T) {
	report := topics.PSPReport{
		ReportID: "0190a3c4-5b6d-7e8f-9a0b-1c2d3e4f5a6b", PSP: "stripe", Operation: topics.OperationDispute, Amount: 2900, Fee: 1500, Currency: "EUR",
		Dispute: &topics.DisputeReport{Reference: "du_1", Fact: topics.FactFundsWithdrawn, Movement: "txn_1"},
	}
	before := *report.Dispute
	told, again := facts(&report), facts(&report)
	if len(told) != 2 || *report.Dispute != before {
		t.Fatalf("%d facts of %+v", len(told), report.Dispute)
	}
	funds, fee := told[0], told[1]
	if funds.ReportID != report.ReportID || funds.Amount != 2900 || funds.Fee != 0 || *funds.Dispute != before {
		t.Errorf("funds: %+v %+v", funds, funds.Dispute)
	}
	if fee.ReportID == report.ReportID || fee.ReportID != again[1].ReportID || fee.Amount != 1500 || fee.Fee != 0 || fee.Dispute.Fact != topics.FactFee ||
		fee.Dispute.Movement != "txn_1/fee" || fee.Dispute.Reference != "du_1" {
		t.Errorf("fee: %+v %+v", fee, fee.Dispute)
	}
	report.Fee = -1500
	if fee := facts(&report)[1]; fee.Amount != 1500 || fee.Dispute.Fact != topics.FactFeeReturned {
		t.Errorf("given back: %+v %+v", fee, fee.Dispute)
	}
	report.Dispute.Movement = ""
	if fee := facts(&report)[1]; fee.Dispute.Movement != "" { // two of one name would be one
		t.Errorf("the fee of a movement without a name is called %q", fee.Dispute.Movement)
	}
	report.Dispute.Fact = topics.FactOpened
	if told := facts(&report); len(told) != 1 {
		t.Errorf("a notice: %d facts", len(told))
	}
	report.Dispute.Fact = topics.FactFundsWithdrawn
	report.Fee = 0
	if told := facts(&report); len(told) != 1 {
		t.Errorf("without a fee: %d facts", len(told))
	}
	capture := topics.PSPReport{Operation: topics.OperationCapture, Fee: 39}
	if told := facts(&capture); len(told) != 1 || told[0].Fee != 39 {
		t.Errorf("a capture: %+v", told)
	}
}

package adyen

import (
	"errors"
	"fmt"
	"time"

	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/topics"
	"github.com/weirhq/weir/topics/chargebacks"
)

// disputeFacts are what Adyen's events say of a dispute. Funds are moved by the three chargebacks alone; none of them says who
// won. All events of a dispute have one pspReference, which is the dispute's, and the payment's as the original one.
var disputeFacts = map[string]topics.DisputeFact{
	"REQUEST_FOR_INFORMATION":           topics.FactInquiry,
	"NOTIFICATION_OF_CHARGEBACK":        topics.FactOpened,
	"INFORMATION_SUPPLIED":              topics.FactEvidenceSubmitted,
	"CHARGEBACK":                        topics.FactFundsWithdrawn,
	"CHARGEBACK_REVERSED":               topics.FactFundsReinstated,
	"SECOND_CHARGEBACK":                 topics.FactFundsWithdrawn,
	"PREARBITRATION_WON":                topics.FactWon,
	"PREARBITRATION_LOST":               topics.FactLost,
	"ISSUER_RESPONSE_TIMEFRAME_EXPIRED": topics.FactWon, // the issuer took the defence, or did not answer
}

// additional is what Adyen tells of a dispute beside the signed fields: it moves nothing and decides nothing.
type additional struct {
	ChargebackReason string `json:"chargebackReasonCode"`
	InquiryReason    string `json:"rfiReasonCode"`
	DefenceEnds      string `json:"defensePeriodEndsAt"`
}

// dispute maps an event of a dispute. A fee of Adyen's is not told by an event: settlement reports have it.
func (a *Adapter) dispute(i *item, fact topics.DisputeFact) (topics.PSPReport, error) {
	switch {
	case i.OriginalReference == "":
		return topics.PSPReport{}, errors.New(`field "originalReference" is missing: whose payment is disputed is not known`)
	case i.Success != "true":
		return topics.PSPReport{}, fmt.Errorf("%w: %s with success %.16q", psp.ErrUnknownEvent, i.EventCode, i.Success)
	}
	payment, _, err := readReference(i.MerchantReference)
	if err != nil {
		return topics.PSPReport{}, err
	}
	value, err := units.In(i.Amount.Value, i.Amount.Currency)
	if err != nil {
		return topics.PSPReport{}, err
	}
	told := topics.DisputeReport{Reference: i.PSPReference, Fact: fact, Reason: reason(i)}
	chargebacks.Classify(&told)
	if due, err := time.Parse(time.RFC3339, i.Additional.DefenceEnds); err == nil {
		told.EvidenceDue = due.UTC()
	}
	return topics.PSPReport{
		ReportID: topics.WebhookReportID(a.name, i.id()), Source: topics.SourceWebhook, PSP: a.name, PaymentID: payment,
		Operation: topics.OperationDispute, Outcome: topics.PSPApproved, Amount: value, Currency: i.Amount.Currency,
		PSPReference: i.OriginalReference, Dispute: &told, Detail: psp.SafeDetail(i.Reason),
	}, nil
}

// reason is the card scheme's code. What is not one is left out: the reason that Adyen writes out stands in the detail.
func reason(i *item) string {
	for _, code := range []string{i.Additional.ChargebackReason, i.Additional.InquiryReason} {
		if code != "" && len(code) <= 16 && psp.SafeDetail(code) == code {
			return code
		}
	}
	return ""
}

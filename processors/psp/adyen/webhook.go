package adyen

import (
	"errors"
	"fmt"
	"strings"

	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/topics"
	"github.com/weirhq/weir/topics/declines"
)

// item holds the signed fields of a notification, the reason, which is for people, and what is told of a dispute beside.
type item struct {
	PSPReference      string     `json:"pspReference"`
	OriginalReference string     `json:"originalReference"`
	MerchantAccount   string     `json:"merchantAccountCode"`
	MerchantReference string     `json:"merchantReference"`
	Amount            amount     `json:"amount"`
	EventCode         string     `json:"eventCode"`
	Success           string     `json:"success"`
	Reason            string     `json:"reason"`
	Additional        additional `json:"additionalData"`
}

// meaning of an event: of which operation it tells, and what where it succeeded and where it did not.
type meaning struct {
	operation topics.PSPOperation
	done, not topics.PSPOutcome
}

// events that are known. A failed capture of one that had succeeded is for a person: CAPTURE_FAILED is not among them.
var events = map[string]meaning{
	"AUTHORISATION":     {topics.OperationAuthorize, topics.PSPApproved, topics.PSPDeclined},
	"CAPTURE":           {topics.OperationCapture, topics.PSPApproved, topics.PSPDeclined},
	"CANCELLATION":      {topics.OperationVoid, topics.PSPApproved, topics.PSPDeclined},
	"EXPIRE":            {topics.OperationVoid, topics.PSPApproved, ""},
	"REFUND":            {topics.OperationRefund, topics.PSPApproved, topics.PSPDeclined},
	"REFUND_FAILED":     {topics.OperationRefund, topics.PSPReversed, ""},
	"REFUNDED_REVERSED": {topics.OperationRefund, topics.PSPReversed, ""},
}

// Webhook implements psp.Adapter. Adyen names no tenant: the payment's id is enough.
func (a *Adapter) Webhook(body []byte) (topics.PSPReport, error) {
	report, err := a.webhook(body)
	if err != nil {
		return topics.PSPReport{}, fmt.Errorf("webhook of %s: %w", a.name, err)
	}
	return report, nil
}

func (a *Adapter) webhook(body []byte) (topics.PSPReport, error) {
	var notification struct {
		Items []struct {
			Item *item `json:"NotificationRequestItem"`
		} `json:"notificationItems"`
	}
	if err := json.Unmarshal(body, &notification); err != nil {
		return topics.PSPReport{}, err
	}
	// In JSON, Adyen sends one. More would be more facts than one report can tell.
	if n := len(notification.Items); n != 1 || notification.Items[0].Item == nil {
		return topics.PSPReport{}, fmt.Errorf("%d notification items, want 1", n)
	}
	i := notification.Items[0].Item
	means, ok := events[i.EventCode]
	fact, disputed := disputeFacts[i.EventCode]
	switch {
	case i.EventCode == "" || i.PSPReference == "":
		return topics.PSPReport{}, errors.New(`field "eventCode" or "pspReference" is missing`)
	case !ok && !disputed:
		return topics.PSPReport{}, fmt.Errorf("%w: %.64q", psp.ErrUnknownEvent, i.EventCode)
	case i.MerchantAccount != a.account:
		return topics.PSPReport{}, fmt.Errorf("merchant account %.64q, want %q", i.MerchantAccount, a.account)
	case strings.Contains(i.PSPReference+i.OriginalReference, "*"): // two masked ids would be taken for one
		return topics.PSPReport{}, errors.New("a reference is masked: it looked like a card number")
	}
	if disputed {
		return a.dispute(i, fact)
	}
	outcome := means.done
	if i.Success != "true" {
		outcome = means.not
	}
	if outcome == "" || i.Success != "true" && i.Success != "false" {
		return topics.PSPReport{}, fmt.Errorf("%w: %s with success %.16q", psp.ErrUnknownEvent, i.EventCode, i.Success)
	}
	payment, request, err := readReference(i.MerchantReference)
	if err != nil {
		return topics.PSPReport{}, err
	}
	value, err := units.In(i.Amount.Value, i.Amount.Currency)
	if err != nil {
		return topics.PSPReport{}, err
	}
	report := topics.PSPReport{
		ReportID: topics.WebhookReportID(a.name, i.id()), Source: topics.SourceWebhook, PSP: a.name, PaymentID: payment, RequestID: request,
		Operation: means.operation, Outcome: outcome, Amount: value, Currency: i.Amount.Currency, PSPReference: i.PSPReference,
		Detail: psp.SafeDetail(i.Reason),
	}
	if means.operation != topics.OperationAuthorize { // as answers do
		report.PSPReference = i.OriginalReference
	}
	if request == "" && (means.operation == topics.OperationCapture || means.operation == topics.OperationRefund) {
		report.Object = i.PSPReference // nobody asked for it
	}
	if outcome == topics.PSPDeclined {
		report.DeclineCode = "refused" // the reason is not signed, and its code is not told
		declines.Classify(&report, declines.Adyen)
	}
	return report, nil
}

// id names an event: its signed fields, since one reference stands in several events.
func (i *item) id() string {
	return strings.Join([]string{i.EventCode, i.PSPReference, i.OriginalReference, i.MerchantReference, i.Success, fmt.Sprint(i.Amount.Value), i.Amount.Currency}, ":")
}

package stripe

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/stripe/stripe-go/v85"

	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/topics"
)

// event is the envelope of a webhook.
type event struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Created int64  `json:"created"`
	Data    struct {
		Object json.RawMessage `json:"object"`
	} `json:"data"`
}

// Webhook implements psp.Adapter. What somebody did in Stripe's dashboard is reported without a request: it names the
// intent alone.
func (a *Adapter) Webhook(body []byte) (topics.PSPReport, error) {
	report, err := a.webhook(body)
	if err != nil {
		return topics.PSPReport{}, fmt.Errorf("webhook of %s: %w", a.name, err)
	}
	return report, nil
}

func (a *Adapter) webhook(body []byte) (topics.PSPReport, error) {
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		return topics.PSPReport{}, err
	}
	switch {
	case e.ID == "" || e.Type == "":
		return topics.PSPReport{}, errors.New(`field "id" or "type" is missing`)
	case strings.Contains(e.ID, "*"): // two masked ids would be taken for one
		return topics.PSPReport{}, errors.New(`field "id" is masked: it looked like a card number`)
	}
	var (
		report topics.PSPReport
		meta   map[string]string
		err    error
	)
	switch e.Type {
	case "refund.created", "refund.updated", "refund.failed", "charge.refund.updated":
		report, meta, err = refundEvent(e.Data.Object)
	case "payment_intent.succeeded", "payment_intent.amount_capturable_updated", "payment_intent.requires_action",
		"payment_intent.payment_failed", "payment_intent.processing", "payment_intent.canceled":
		report, meta, err = intentEvent(e.Type, e.Data.Object)
	case disputeCreated, disputeUpdated, disputeClosed, disputeWithdrawn, disputeReinstated:
		report, err = disputeEvent(e.Type, e.Data.Object)
	default:
		return topics.PSPReport{}, fmt.Errorf("%w: %.64q", psp.ErrUnknownEvent, e.Type)
	}
	if err != nil {
		return topics.PSPReport{}, err
	}
	if strings.Contains(report.PSPReference+report.Object, "*") {
		return topics.PSPReport{}, errors.New(`field "data.object.id" is masked: it looked like a card number`)
	}
	if d := report.Dispute; d != nil && strings.Contains(d.Reference+d.Movement, "*") {
		return topics.PSPReport{}, errors.New(`field "data.object.id" is masked: it looked like a card number`)
	}
	report.ReportID = topics.WebhookReportID(a.name, e.ID)
	if report.Object != "" { // several events tell the same of it
		report.ReportID = topics.WebhookReportID(a.name, strings.Join([]string{string(report.Operation), report.Object, string(report.Outcome)}, ":"))
	}
	report.Source, report.PSP, report.OccurredAt = topics.SourceWebhook, a.name, unix(e.Created)
	report.Tenant, report.PaymentID = meta[metaTenant], meta[metaPayment]
	report.Detail = psp.SafeDetail(report.Detail)
	return report, nil
}

func refundEvent(object json.RawMessage) (topics.PSPReport, map[string]string, error) {
	var made stripe.Refund
	if err := json.Unmarshal(object, &made); err != nil {
		return topics.PSPReport{}, nil, err
	}
	if made.ID == "" {
		return topics.PSPReport{}, nil, errors.New(`field "data.object.id" is missing`)
	}
	report, err := refundOf(&made, topics.PSPReversed)
	report.RequestID = made.Metadata[metaRequest]
	if report.RequestID == "" && made.PaymentIntent != nil { // not ours: known by the intent alone
		report.PSPReference, report.Object = made.PaymentIntent.ID, made.ID
	}
	return report, made.Metadata, err
}

func intentEvent(kind string, object json.RawMessage) (topics.PSPReport, map[string]string, error) {
	var intent stripe.PaymentIntent
	if err := json.Unmarshal(object, &intent); err != nil {
		return topics.PSPReport{}, nil, err
	}
	if intent.ID == "" {
		return topics.PSPReport{}, nil, errors.New(`field "data.object.id" is missing`)
	}
	manual := intent.CaptureMethod == stripe.PaymentIntentCaptureMethodManual
	switch {
	case kind == "payment_intent.succeeded" && manual:
		report, err := capture(&intent)
		if report.RequestID = intent.Metadata[metaCapture]; report.RequestID == "" {
			report.Object = intent.ID // which is captured once
		}
		return report, intent.Metadata, err
	case kind == "payment_intent.canceled" && manual && held(&intent):
		report, _, err := voided(&topics.PSPRequest{PSPReference: intent.ID}, &intent)
		if err == nil && report.Outcome == "" {
			err = fmt.Errorf("%w: canceled, and the intent is %.32q", psp.ErrUnknownEvent, intent.Status)
		}
		return report, intent.Metadata, err
	}
	report, err := authorization(&intent)
	if want := outcomes[kind]; err == nil && report.Outcome != want {
		err = fmt.Errorf("%w: %s, and the intent is %.32q", psp.ErrUnknownEvent, kind, intent.Status)
	}
	report.RequestID = intent.Metadata[metaRequest]
	return report, intent.Metadata, err
}

// held tells whether an intent that is cancelled was authorised, so that what was held is released. One that was declined has a
// charge, too: the failed one, which an event names by its id alone.
func held(intent *stripe.PaymentIntent) bool {
	charge := intent.LatestCharge
	return charge != nil && charge.Status != stripe.ChargeStatusFailed && intent.LastPaymentError == nil
}

// outcomes are what the events of an intent say of its authorisation. The object must say the same.
var outcomes = map[string]topics.PSPOutcome{
	"payment_intent.succeeded":                 topics.PSPApproved,
	"payment_intent.amount_capturable_updated": topics.PSPApproved,
	"payment_intent.requires_action":           topics.PSPRequiresAction,
	"payment_intent.payment_failed":            topics.PSPDeclined,
	"payment_intent.processing":                topics.PSPPending,
	"payment_intent.canceled":                  topics.PSPDeclined,
}

package stripe

import (
	"fmt"
	"time"

	"github.com/stripe/stripe-go/v85"

	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/topics"
	"github.com/weirhq/weir/topics/declines"
)

// The metadata that we keep at Stripe.
const (
	metaPayment = "weir_payment"
	metaTenant  = "weir_tenant"
	metaRequest = "weir_request" // that created the object
	metaCapture = "weir_capture" // the request that captured a PaymentIntent
)

func metadata(r *topics.PSPRequest) map[string]string {
	return map[string]string{metaPayment: r.PaymentID, metaTenant: r.Tenant, metaRequest: r.RequestID}
}

// authorized is what an intent says of the authorisation that created it, or of its confirmation.
func authorized(r *topics.PSPRequest, intent *stripe.PaymentIntent) (topics.PSPReport, error) {
	if intent.ID == "" || intent.Metadata[metaPayment] != r.PaymentID {
		return topics.PSPReport{}, fmt.Errorf("%w: the answer is of another payment", psp.ErrUnknown)
	}
	if r.Operation == topics.OperationAuthorize && intent.Metadata[metaRequest] != r.RequestID {
		return topics.PSPReport{}, fmt.Errorf("%w: the answer is to another request", psp.ErrUnknown)
	}
	report, err := authorization(intent)
	report.Operation = r.Operation
	if err != nil {
		return topics.PSPReport{}, fmt.Errorf("%w: %w", psp.ErrUnknown, err)
	}
	return report, nil
}

// authorization maps an intent. Its amount is what was authorised, or captured where that happened at once.
func authorization(intent *stripe.PaymentIntent) (topics.PSPReport, error) {
	report := topics.PSPReport{Operation: topics.OperationAuthorize, PSPReference: intent.ID, OccurredAt: unix(intent.Created)}
	amount := intent.Amount
	charge(&report, intent.LatestCharge)
	switch intent.Status {
	case stripe.PaymentIntentStatusSucceeded:
		report.Outcome = topics.PSPApproved
		// What was captured by a request of its own is reported by it.
		report.Captured = intent.CaptureMethod != stripe.PaymentIntentCaptureMethodManual
		if report.Captured {
			amount = intent.AmountReceived
		}
	case stripe.PaymentIntentStatusRequiresCapture:
		report.Outcome, amount = topics.PSPApproved, intent.AmountCapturable
		report.Capturable = capturable(intent)
	case stripe.PaymentIntentStatusRequiresAction:
		report.Outcome = topics.PSPRequiresAction
		report.Action = action(intent)
	case stripe.PaymentIntentStatusProcessing:
		report.Outcome = topics.PSPPending
	case stripe.PaymentIntentStatusRequiresPaymentMethod, stripe.PaymentIntentStatusRequiresConfirmation:
		report.Outcome = topics.PSPDeclined
		decline(&report, intent)
	case stripe.PaymentIntentStatusCanceled:
		report.Outcome, report.DeclineCode = topics.PSPDeclined, "canceled"
		declines.Classify(&report, declines.Stripe)
		if intent.CancellationReason != "" {
			report.Detail = "canceled: " + psp.SafeDetail(string(intent.CancellationReason))
		}
	default:
		return report, fmt.Errorf("%w: the intent is %.32q", psp.ErrUnknownEvent, intent.Status)
	}
	var err error
	report.Amount, report.Currency, err = inAmount(amount, string(intent.Currency))
	return report, err
}

// capturable is how much may be captured of an intent in all, 0 where Stripe says no more than of its amount.
func capturable(intent *stripe.PaymentIntent) int64 {
	if intent.LatestCharge == nil || intent.LatestCharge.PaymentMethodDetails == nil || intent.LatestCharge.PaymentMethodDetails.Card == nil {
		return 0
	}
	over := intent.LatestCharge.PaymentMethodDetails.Card.Overcapture
	if over == nil || over.Status != stripe.ChargePaymentMethodDetailsCardOvercaptureStatusAvailable {
		return 0
	}
	most, _, err := inAmount(over.MaximumAmountCapturable, string(intent.Currency))
	if err != nil { // then no more than what is authorised, which is told apart from it
		return 0
	}
	return most
}

// action is where the customer passes the challenge: a page, or the shop's own with the intent's client secret.
func action(intent *stripe.PaymentIntent) *topics.Action {
	if next := intent.NextAction; next != nil && next.RedirectToURL != nil && next.RedirectToURL.URL != "" {
		return &topics.Action{Type: "redirect", URL: next.RedirectToURL.URL}
	}
	return &topics.Action{Type: "client_token", Token: intent.ClientSecret}
}

// charge keeps what verification and the network said. A charge that was not expanded is an id and says nothing.
func charge(report *topics.PSPReport, charge *stripe.Charge) {
	if charge == nil || charge.PaymentMethodDetails == nil || charge.PaymentMethodDetails.Card == nil {
		return
	}
	card := charge.PaymentMethodDetails.Card
	report.NetworkReference = card.NetworkTransactionID
	var auth topics.AuthData
	if secure := card.ThreeDSecure; secure != nil {
		auth.ECI, auth.DSTransactionID = string(secure.ElectronicCommerceIndicator), secure.TransactionID
		auth.ThreeDSVersion = string(secure.Version)
	}
	if checks := card.Checks; checks != nil {
		auth.CVV, auth.AVS = string(checks.CVCCheck), string(checks.AddressPostalCodeCheck)
		if auth.AVS == "" {
			auth.AVS = string(checks.AddressLine1Check)
		}
	}
	if auth != (topics.AuthData{}) {
		report.Authentication = &auth
	}
}

// captured is what an intent says of a capture that was asked for.
func captured(r *topics.PSPRequest, intent *stripe.PaymentIntent) (topics.PSPReport, error) {
	if intent.ID != r.PSPReference || intent.Metadata[metaCapture] != r.RequestID {
		return topics.PSPReport{}, fmt.Errorf("%w: the answer is to another capture", psp.ErrUnknown)
	}
	report, err := capture(intent)
	if err != nil {
		return topics.PSPReport{}, fmt.Errorf("%w: %w", psp.ErrUnknown, err)
	}
	return report, nil
}

func capture(intent *stripe.PaymentIntent) (topics.PSPReport, error) {
	if intent.Status != stripe.PaymentIntentStatusSucceeded {
		return topics.PSPReport{}, fmt.Errorf("%w: captured, and the intent is %.32q", psp.ErrUnknownEvent, intent.Status)
	}
	amount, currency, err := inAmount(intent.AmountReceived, string(intent.Currency))
	return topics.PSPReport{
		Operation: topics.OperationCapture, Outcome: topics.PSPApproved, Amount: amount, Currency: currency, PSPReference: intent.ID,
	}, err
}

// voided is what an intent says of a void that was asked for. ok is false where it released nothing.
func voided(r *topics.PSPRequest, intent *stripe.PaymentIntent) (report topics.PSPReport, ok bool, err error) {
	if intent.ID != r.PSPReference {
		return report, false, fmt.Errorf("%w: the answer is of another intent", psp.ErrUnknown)
	}
	released := intent.Amount
	switch {
	case intent.Status == stripe.PaymentIntentStatusCanceled:
	case intent.Status == stripe.PaymentIntentStatusSucceeded && intent.AmountReceived < intent.Amount:
		released -= intent.AmountReceived
	default:
		return report, false, nil
	}
	amount, currency, err := inAmount(released, string(intent.Currency))
	if err != nil {
		return report, false, fmt.Errorf("%w: %w", psp.ErrUnknown, err)
	}
	return topics.PSPReport{
		Operation: topics.OperationVoid, Outcome: topics.PSPApproved, Amount: amount, Currency: currency, PSPReference: intent.ID,
	}, true, nil
}

// refunded is what a refund that was asked for says. One that fails in the answer failed at once: outcome is what that is.
func refunded(r *topics.PSPRequest, made *stripe.Refund, failed topics.PSPOutcome) (topics.PSPReport, error) {
	if made.ID == "" || made.Metadata[metaRequest] != r.RequestID {
		return topics.PSPReport{}, fmt.Errorf("%w: the answer is to another refund", psp.ErrUnknown)
	}
	report, err := refundOf(made, failed)
	if err != nil {
		return topics.PSPReport{}, fmt.Errorf("%w: %w", psp.ErrUnknown, err)
	}
	return report, nil
}

func refundOf(made *stripe.Refund, failed topics.PSPOutcome) (topics.PSPReport, error) {
	amount, currency, err := inAmount(made.Amount, string(made.Currency))
	report := topics.PSPReport{
		Operation: topics.OperationRefund, Amount: amount, Currency: currency, PSPReference: made.ID, OccurredAt: unix(made.Created),
	}
	switch made.Status {
	case stripe.RefundStatusSucceeded:
		report.Outcome = topics.PSPApproved
	case stripe.RefundStatusPending, stripe.RefundStatusRequiresAction:
		report.Outcome = topics.PSPPending
	case stripe.RefundStatusFailed, stripe.RefundStatusCanceled:
		report.Outcome, report.DeclineCode = failed, string(made.FailureReason)
		if report.DeclineCode == "" {
			report.DeclineCode = string(made.Status)
		}
	default:
		return report, fmt.Errorf("%w: the refund is %.32q", psp.ErrUnknownEvent, made.Status)
	}
	return report, err
}

func unix(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

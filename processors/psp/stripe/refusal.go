package stripe

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/stripe/stripe-go/v85"

	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/topics"
	"github.com/weirhq/weir/topics/declines"
)

// adviceNever is Stripe's advice not to try a card again, whatever the code says.
const adviceNever = "do_not_try_again"

// refused reads every answer that is not a success.
//
// Stripe keeps the answer to a key once an endpoint has begun, errors included. What it refuses before that (another
// request is under way, too many, no such key of ours) was not performed. Two refusals of an authorisation come once it has begun:
// an object is locked, and one that shows an intent which may hold money.
func refused(r *topics.PSPRequest, err error) (topics.PSPReport, error) {
	var said *stripe.Error
	if !errors.As(err, &said) {
		return topics.PSPReport{}, noAnswer(err)
	}
	detail := psp.SafeDetail(fmt.Sprintf("%s: %s", said.Code, said.Msg))
	status := said.HTTPStatusCode
	begun := r.Operation == topics.OperationAuthorize && (said.Code == stripe.ErrorCodeLockTimeout || moved(said.PaymentIntent))
	switch {
	case begun:
		return topics.PSPReport{}, fmt.Errorf("%w: answered %d: %s", psp.ErrUnknown, status, detail)
	case said.Type == stripe.ErrorTypeCard:
		return declined(r, said), nil
	case said.Type == stripe.ErrorTypeIdempotency, said.Code == stripe.ErrorCodeIdempotencyKeyInUse, status >= http.StatusInternalServerError:
		return topics.PSPReport{}, fmt.Errorf("%w: answered %d: %s", psp.ErrUnknown, status, detail)
	case status == http.StatusTooManyRequests, said.Code == stripe.ErrorCodeLockTimeout, status == http.StatusUnauthorized, status == http.StatusForbidden:
		return topics.PSPReport{}, fmt.Errorf("%w: answered %d: %s", psp.ErrNotSent, status, detail)
	case said.Type == stripe.ErrorTypeInvalidRequest && (status == http.StatusBadRequest || status == http.StatusNotFound):
		return topics.PSPReport{Operation: r.Operation, Outcome: topics.PSPFailed, PSPReference: r.PSPReference, Detail: detail}, nil
	}
	return topics.PSPReport{}, fmt.Errorf("%w: answered %d: %s", psp.ErrUnknown, status, detail)
}

// moved tells whether an intent in a refusal holds money, or may come to hold some.
func moved(intent *stripe.PaymentIntent) bool {
	if intent == nil {
		return false
	}
	switch intent.Status {
	case stripe.PaymentIntentStatusSucceeded, stripe.PaymentIntentStatusRequiresCapture, stripe.PaymentIntentStatusProcessing, stripe.PaymentIntentStatusRequiresAction:
		return true
	}
	return false
}

// noAnswer is an error without an answer of Stripe's. What was answered instead is not repeated: it may be anything.
func noAnswer(err error) error {
	if psp.NotSent(err) {
		return err
	}
	return fmt.Errorf("%w: no answer of Stripe's: %.128s", psp.ErrUnknown, psp.SafeDetail(err.Error()))
}

func declined(r *topics.PSPRequest, said *stripe.Error) topics.PSPReport {
	report := topics.PSPReport{Operation: r.Operation, Outcome: topics.PSPDeclined, PSPReference: r.PSPReference}
	if said.PaymentIntent != nil && r.PSPReference == "" {
		report.PSPReference = said.PaymentIntent.ID
	}
	report.DeclineCode = code(said)
	var advice struct {
		Error struct {
			AdviceCode         string `json:"advice_code"`
			NetworkAdviceCode  string `json:"network_advice_code"`
			NetworkDeclineCode string `json:"network_decline_code"`
		} `json:"error"`
	}
	// The library does not read these; an answer without them has none.
	if said.LastResponse != nil && json.Unmarshal(said.LastResponse.RawJSON, &advice) == nil {
		brand := brandOf(said.PaymentMethod)
		if brand == "" && r.Card != nil {
			brand = r.Card.Scheme
		}
		advise(&report, brand, advice.Error.AdviceCode, advice.Error.NetworkAdviceCode, advice.Error.NetworkDeclineCode)
	}
	declines.Classify(&report, declines.Stripe)
	return report
}

// decline is what an intent says of why it was not authorised.
func decline(report *topics.PSPReport, intent *stripe.PaymentIntent) {
	if intent.LastPaymentError != nil {
		report.DeclineCode = code(intent.LastPaymentError)
	}
	if report.DeclineCode == "" {
		report.DeclineCode = string(intent.Status)
	}
	if charge := intent.LatestCharge; charge != nil && charge.Outcome != nil {
		outcome, brand := charge.Outcome, ""
		if of := charge.PaymentMethodDetails; of != nil && of.Card != nil {
			brand = string(of.Card.Brand)
		}
		if brand == "" && intent.LastPaymentError != nil {
			brand = brandOf(intent.LastPaymentError.PaymentMethod)
		}
		advise(report, brand, string(outcome.AdviceCode), outcome.NetworkAdviceCode, outcome.NetworkDeclineCode)
	}
	declines.Classify(report, declines.Stripe)
}

// brandOf is the network of a payment method that is a card, "" where Stripe does not say.
func brandOf(m *stripe.PaymentMethod) string {
	if m == nil || m.Card == nil {
		return ""
	}
	return string(m.Card.Brand)
}

// advise adds what Stripe and the card network advise. Networks number their advice each in its own way: only that of a
// Mastercard is read by itself; of the others Stripe's own advice tells what must not be tried again.
func advise(report *topics.PSPReport, brand, advice, network, declineCode string) {
	mastercard := brand == string(stripe.PaymentMethodCardBrandMastercard)
	report.HardDecline = advice == adviceNever ||
		mastercard && declines.Lookup(declines.MastercardAdvice, network).Rule == declines.Category1
	if advice+network+declineCode != "" {
		report.Detail = psp.SafeDetail(fmt.Sprintf("network code %q, network advice %q, advice %q", declineCode, network, advice))
	}
}

func code(said *stripe.Error) string {
	if said.DeclineCode != "" {
		return string(said.DeclineCode)
	}
	return string(said.Code)
}

package api

import (
	"cmp"
	"fmt"
	"net/http"

	"github.com/weirhq/weir/api/await"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
	"github.com/weirhq/weir/topics/declines"
)

// reply turns what became of the command into an answer. intent is what outcome gave for it.
func (o *paymentOrder) reply(answer await.Answer, known bool, intent *view.Intent) (reply, error) {
	if !known || answer.Open {
		content := o.content(answer, intent)
		if shown, ok := content.(Intent); ok && shown.Status == string(topics.StatusQueued) {
			if err := o.call.api.explain(o.call, &shown); err != nil {
				return reply{}, err
			}
			content = shown
		}
		return encodeReply(http.StatusAccepted, content, open)
	}
	if problem := problemOfEvent(&answer.Event, intent); problem != nil {
		kept := ofRefusal(answer.Event.Refusal)
		if answer.Event.Type == topics.EventDeadLettered {
			kept = final
		}
		return encodeReply(problem.Status, problem.body(answer.TraceID), kept)
	}
	if intent == nil {
		return reply{}, fmt.Errorf("payment %s: event %s was published and the payment is not stored", o.payment, answer.Event.EventID)
	}
	status := http.StatusOK
	if o.creates() || o.command.Type == topics.CommandRefund {
		status = http.StatusCreated
	}
	return encodeReply(status, o.content(answer, intent), logged)
}

// content is the body of an answer that is not an error.
func (o *paymentOrder) content(answer await.Answer, intent *view.Intent) any {
	switch {
	case o.command.Type == topics.CommandRefund:
		return o.refund(cmp.Or(answer.Request, answer.Event.EventID), intent)
	case intent == nil:
		return o.accepted()
	case o.command.Type == topics.CommandRevokeMandate && intent.Mandate != nil:
		return mandateOf(intent.Mandate)
	}
	return intentOf(intent)
}

// accepted is an intent of which nothing is known but its command.
func (o *paymentOrder) accepted() Intent {
	return Intent{
		ID: o.payment.String(), Status: statusAccepted, CustomerID: o.command.CustomerID,
		Amount: o.command.Amount, Currency: o.command.Currency, CaptureMethod: o.command.CaptureMethod,
		MerchantReference: o.command.MerchantReference, Description: o.command.Description, Metadata: o.command.Metadata,
	}
}

// refund is the refund that the command asked for: the operation with the request's id, once there is one.
func (o *paymentOrder) refund(request string, intent *view.Intent) Refund {
	refund := Refund{
		IntentID: o.payment.String(), Status: statusAccepted, Amount: o.command.Amount, Currency: o.command.Currency,
	}
	if intent == nil {
		return refund
	}
	refund.Currency = intent.Currency
	for _, op := range intent.Operations {
		if op.RequestID == request {
			return refundOf(intent, op)
		}
	}
	return refund
}

// explained is what kind of decline it was and what the customer may be told, where the table of decline codes says so: of a
// PSP's code the event has it, of our own codes no PSP said anything. A PSP that gives no code has refused what it was asked.
func explained(said *topics.PSPData) (category, message string) {
	of := declines.Category(said.DeclineCategory)
	if own := declines.Lookup(declines.Weir, said.DeclineCode); of == "" && own.Category != declines.Unknown {
		of = own.Category
	}
	if of == "" && said.DeclineCode == "" {
		of = declines.RefusedByPSP
	}
	kind, ok := declines.OfCategory(of)
	if !ok {
		return "", ""
	}
	return string(of), kind.Message
}

// problemOfEvent is the error with which an event is answered, nil where the command succeeded.
func problemOfEvent(e *topics.PaymentEvent, intent *view.Intent) *Problem {
	no := func(message string) *Problem {
		details := &ErrorDetails{Reasons: e.Reasons, GamingLimit: e.GamingLimit}
		if e.PSP != nil {
			details.DeclineCode = e.PSP.DeclineCode
		}
		if intent != nil {
			shown := intentOf(intent)
			details.Intent = &shown
		}
		return &Problem{Status: http.StatusPaymentRequired, Code: string(e.Type), Message: message, Details: details}
	}
	switch e.Type {
	case topics.EventCommandRefused:
		return refused(e.Refusal, e.Detail, e.Reasons...)
	case topics.EventDeadLettered:
		return refused(topics.RefusedPoison, "")
	case topics.EventDeclined:
		message := why("the PSP declined the payment", e)
		if e.PSP != nil && e.PSP.DeclineCode == topics.DeclineNoRoute {
			message = "no PSP could be asked for the payment"
		}
		if e.PSP != nil && e.PSP.DeclineCode == topics.DeclineMandateEnded {
			message = "the mandate had ended before the PSP could be asked"
		}
		problem := no(message)
		if e.PSP != nil {
			problem.Details.DeclineCategory, problem.Details.CustomerMessage = explained(e.PSP)
		}
		return problem
	case topics.EventBlocked:
		if e.GamingLimit != nil {
			return no(e.Detail)
		}
		return no("a risk rule blocked the payment")
	case topics.EventCaptureFailed:
		return no(why("the PSP did not capture", e))
	case topics.EventIncrementFailed:
		return no(why("the PSP did not raise the authorisation", e))
	case topics.EventVoidFailed:
		return no(why("the PSP did not void", e))
	case topics.EventRefundFailed:
		return no(why("the PSP did not refund", e))
	}
	return nil
}

// why adds the PSP's own words to a message where it gave no code, which would say more.
func why(message string, e *topics.PaymentEvent) string {
	if e.Detail == "" || e.PSP == nil || e.PSP.DeclineCode != "" {
		return message
	}
	return message + ": " + e.Detail
}

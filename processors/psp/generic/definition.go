package generic

import (
	"time"

	"github.com/weirhq/weir/topics"
	"github.com/weirhq/weir/topics/declines"
)

// Definition is a PSP as its file describes it. It never changes.
type Definition struct {
	Decimal     bool            // amounts are written as 10.50, and not in minor units
	NeedsSecret bool            // ${secret} stands in a header or a body
	OverCapture bool            // some answer to authorize or confirm tells what may be captured
	Methods     []string        // of payments that it takes; none: all
	Codes       declines.Source // whose table decline codes are of; "": they mean what hard says alone
	KeyHeader   string
	KeyWindow   time.Duration
	Headers     []pair
	Operations  map[topics.PSPOperation]*operation
	Webhook     *webhook // nil: none are known
}

// operation is how something is asked for, and how to learn what became of it.
type operation struct {
	call
	poll *call // nil: it cannot be asked
}

// call is one HTTP request with what its answers mean, in the order in which they are tried.
type call struct {
	method  string
	keyed   bool // not a poll: it carries the idempotency key
	path    []segment
	query   []pair
	headers []pair
	body    value // nil: none
	form    []pair
	answers []reading
}

// segment is a part of a path between slashes.
type segment = template

type pair struct {
	name string
	template
}

// reading is what an answer, or an event of a webhook, means where it fits.
type reading struct {
	statusLow, statusHigh int // of an answer
	where                 []condition
	has                   []path

	outcome   topics.PSPOutcome // "" where outcomes says it
	outcomeAt path
	outcomes  map[string]meaning

	reference, amount, currency, network, code, detail path

	capturable path // how much may be captured of what is approved, in all
	hard       map[string]bool
	captured   bool // an approval is of the capture, too, where that was asked for
	capturedAt path // or a field says so
	auth       map[string]path
	action     *actionAt
}

// notSent is an outcome that only a file knows: the PSP says that it performed nothing, and the same may be sent again.
const notSent topics.PSPOutcome = "not_sent"

// meaning is what a word of the PSP's stands for. In a webhook it says of which operation, too.
type meaning struct {
	operation topics.PSPOperation
	outcome   topics.PSPOutcome
	captured  bool
	fact      topics.DisputeFact // of an event of a dispute
}

// condition is a field that must have one of several values.
type condition struct {
	at  path
	any []template
}

// actionAt is where an answer says what the customer must do.
type actionAt struct {
	kind                                   string
	url, token, qrCode, deeplink, copyCode path
	expires                                path
}

// webhook is how to read the body of a webhook.
type webhook struct {
	reading
	id                       []path // together they name the event
	payment, request, tenant path
	occurred                 path
	dispute                  *disputeAt // nil: none of its events is of a dispute
}

// disputeAt is where an event of a dispute says which one, and what else is known of it.
type disputeAt struct {
	reference, movement, reason, due, fee path
}

package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v85"

	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/topics"
)

const (
	// clockSkew is how far Stripe's clock may be from ours.
	clockSkew = 5 * time.Minute
	// maxLooked is how many objects of a list a poll looks through. What lies beyond is unknown.
	maxLooked = 5_000
	pageSize  = 100
)

// Poll implements psp.Adapter.
func (a *Adapter) Poll(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	if r.Operation == topics.OperationRefund {
		return a.pollRefund(ctx, r)
	}
	if r.PSPReference == "" && r.Operation == topics.OperationAuthorize {
		return a.find(ctx, r)
	}
	if err := check(&topics.PSPRequest{Operation: topics.OperationVoid, PSPReference: r.PSPReference, Amount: r.Amount, Currency: r.Currency}); err != nil {
		return absent(r, err.Error()), nil // nothing of the kind is ever sent
	}
	intent, err := a.intents.Get(r.PSPReference, &stripe.PaymentIntentParams{Params: stripe.Params{Context: ctx}, Expand: expanded()})
	if err != nil {
		return lookedUp(r, err)
	}
	if intent.ID != r.PSPReference {
		return topics.PSPReport{}, fmt.Errorf("%w: the answer is of another intent", psp.ErrUnknown)
	}
	switch r.Operation {
	case topics.OperationAuthorize, topics.OperationConfirm:
		return authorized(r, intent)
	case topics.OperationCapture:
		if intent.Metadata[metaCapture] == r.RequestID {
			return captured(r, intent)
		}
		return absent(r, "the intent was not captured by this request"), nil
	case topics.OperationVoid:
		if report, ok, err := voided(r, intent); ok || err != nil {
			return report, err
		}
		return absent(r, "the intent is "+string(intent.Status)), nil
	}
	return absent(r, "Stripe is not asked for it"), nil
}

// find looks for the intent of a request among all that were created while it may have been sent, latest first: since the payment
// was created. How long before its NotAfter it was asked for is not known here, for the configuration may have changed since.
func (a *Adapter) find(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
	since := r.CreatedAt
	if since.IsZero() {
		since = r.NotAfter.Add(-keyWindow)
	}
	query := url.Values{
		"created[gte]": {strconv.FormatInt(since.Add(-clockSkew).Unix(), 10)},
		"created[lte]": {strconv.FormatInt(r.NotAfter.Add(a.timeout+clockSkew).Unix(), 10)},
	}
	intent, all, err := look(ctx, a, "/v1/payment_intents", query, func(i *stripe.PaymentIntent) (string, bool) {
		return i.ID, i.Metadata[metaRequest] == r.RequestID
	})
	switch {
	case err != nil:
		return lookedUp(r, err)
	case intent != nil:
		return authorized(r, intent)
	case !all:
		return topics.PSPReport{Operation: r.Operation, Outcome: topics.PSPUnknown, Detail: fmt.Sprintf("not among the latest %d intents of its time", maxLooked)}, nil
	}
	return absent(r, "not among the intents of its time"), nil
}

// pollRefund finds a refund by its own id, or among those of its intent.
func (a *Adapter) pollRefund(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
	if strings.HasPrefix(r.PSPReference, "re_") {
		made, err := a.refunds.Get(r.PSPReference, &stripe.RefundParams{Params: stripe.Params{Context: ctx}})
		if err != nil {
			return lookedUp(r, err)
		}
		return refunded(r, made, topics.PSPReversed)
	}
	if err := check(r); err != nil {
		return absent(r, err.Error()), nil
	}
	made, all, err := look(ctx, a, "/v1/refunds", url.Values{"payment_intent": {r.PSPReference}}, func(made *stripe.Refund) (string, bool) {
		return made.ID, made.Metadata[metaRequest] == r.RequestID
	})
	switch {
	case err != nil:
		return lookedUp(r, err)
	case made != nil:
		return refunded(r, made, topics.PSPReversed)
	case !all:
		return topics.PSPReport{Operation: r.Operation, Outcome: topics.PSPUnknown, Detail: "too many refunds of one payment"}, nil
	}
	return absent(r, "not among the refunds of the intent"), nil
}

// page is a part of a list. An answer that does not say that it is a list is none: it proves nothing absent.
type page[T any] struct {
	stripe.APIResource
	Object  string `json:"object"`
	HasMore bool   `json:"has_more"`
	Data    []*T   `json:"data"`
}

// look goes through a list until one is the one that is looked for. all is false where it was longer than maxLooked.
func look[T any](ctx context.Context, a *Adapter, path string, query url.Values, is func(*T) (id string, found bool)) (one *T, all bool, err error) {
	query.Set("limit", strconv.Itoa(pageSize))
	for range maxLooked / pageSize {
		var p page[T]
		if err := a.intents.B.CallRaw(http.MethodGet, path, a.intents.Key, []byte(query.Encode()), &stripe.Params{Context: ctx}, &p); err != nil {
			return nil, false, err
		}
		if p.Object != "list" || p.HasMore && len(p.Data) == 0 {
			return nil, false, errors.New("the answer is no list")
		}
		for _, one := range p.Data {
			if one == nil {
				return nil, false, errors.New("the list holds nothing in a place")
			}
			id, found := is(one)
			if found {
				return one, true, nil
			}
			query.Set("starting_after", id)
		}
		if !p.HasMore {
			return nil, true, nil
		}
	}
	return nil, false, nil
}

// lookedUp reads a look-up that failed. Only Stripe's own word that there is no such object says so.
func lookedUp(r *topics.PSPRequest, err error) (topics.PSPReport, error) {
	var said *stripe.Error
	if errors.As(err, &said) && said.HTTPStatusCode == http.StatusNotFound && said.Code == stripe.ErrorCodeResourceMissing {
		return absent(r, psp.SafeDetail(said.Msg)), nil
	}
	return topics.PSPReport{}, fmt.Errorf("%w: the look-up failed: %w", psp.ErrUnknown, noAnswer(err))
}

func absent(r *topics.PSPRequest, detail string) topics.PSPReport {
	return topics.PSPReport{Operation: r.Operation, Outcome: topics.PSPNotFound, Detail: detail}
}

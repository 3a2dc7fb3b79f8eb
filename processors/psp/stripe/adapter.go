package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v85"
	"github.com/stripe/stripe-go/v85/paymentintent"
	"github.com/stripe/stripe-go/v85/refund"

	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/topics"
)

// keyWindow is how long Stripe knows an idempotency key at least.
const keyWindow = 24 * time.Hour

// maxAnswer is the largest answer that is read, in bytes: a page of a list holds a hundred objects.
const maxAnswer = 4 << 20

// Config of the adapter.
type Config struct {
	Name    string // the PSP's, in requests and webhook routes
	BaseURL string // stripe.APIURL where empty
	Key     string // secret or restricted API key
	// OverCapture asks with each authorisation that more may be captured, where the card can.
	OverCapture bool
	Timeout     time.Duration
	// Connections kept alive and at most open.
	Connections int
}

// Adapter speaks with Stripe.
type Adapter struct {
	name    string
	timeout time.Duration
	over    bool
	intents paymentintent.Client
	refunds refund.Client
}

// New returns the adapter. It connects at the first call.
func New(cfg Config) (*Adapter, error) {
	if cfg.Key == "" {
		return nil, errors.New("the API key of Stripe is missing")
	}
	if cfg.BaseURL == "" {
		cfg.BaseURL = stripe.APIURL
	}
	transport, err := psp.NewTransport(psp.HTTPConfig{BaseURL: cfg.BaseURL, Timeout: cfg.Timeout, Connections: cfg.Connections})
	if err != nil {
		return nil, err
	}
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: stripe.String(cfg.BaseURL), MaxNetworkRetries: stripe.Int64(0), EnableTelemetry: stripe.Bool(false),
		LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull},
		HTTPClient: &http.Client{
			Transport:     psp.Bounded(transport, maxAnswer),
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	})
	return &Adapter{
		name: cfg.Name, timeout: cfg.Timeout, over: cfg.OverCapture,
		intents: paymentintent.Client{B: backend, Key: cfg.Key}, refunds: refund.Client{B: backend, Key: cfg.Key},
	}, nil
}

// Name implements psp.Adapter.
func (a *Adapter) Name() string { return a.name }

// Idempotent implements psp.Adapter.
func (a *Adapter) Idempotent() (time.Duration, bool) { return keyWindow, true }

// Do implements psp.Adapter.
func (a *Adapter) Do(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	if err := check(r); err != nil { // the same at every attempt: it was never sent
		return topics.PSPReport{Operation: r.Operation, Outcome: topics.PSPFailed, PSPReference: r.PSPReference, Detail: err.Error()}, nil
	}
	switch r.Operation {
	case topics.OperationAuthorize:
		return a.authorize(ctx, r)
	case topics.OperationConfirm:
		return a.confirm(ctx, r)
	case topics.OperationCapture:
		return a.capture(ctx, r)
	case topics.OperationVoid:
		return a.void(ctx, r)
	default:
		return a.refund(ctx, r)
	}
}

// check finds what makes a request one that Stripe cannot perform.
func check(r *topics.PSPRequest) error {
	switch r.Operation {
	case topics.OperationAuthorize:
		if m := r.PaymentMethod.By(); m != nil {
			return fmt.Errorf("payment_method %s: Stripe is asked for cards alone", m.Type)
		}
		if r.Card == nil || !strings.HasPrefix(r.Card.Token, "pm_") {
			return errors.New("card.token: want a PaymentMethod of Stripe (pm_…)")
		}
		if r.StoredCredential != nil { // a PaymentMethod is used again by its Customer alone (cus_…), whom nothing of ours names
			return errors.New("mandates are not supported at Stripe")
		}
	case topics.OperationConfirm, topics.OperationCapture, topics.OperationVoid, topics.OperationRefund:
		if !strings.HasPrefix(r.PSPReference, "pi_") || strings.ContainsAny(r.PSPReference, "/?#%. ") {
			return fmt.Errorf("psp_reference %.64q: want a PaymentIntent of Stripe (pi_…)", r.PSPReference)
		}
	default:
		return fmt.Errorf("operation %.64q: Stripe is not asked for it", r.Operation)
	}
	_, _, err := outAmount(r.Amount, r.Currency)
	return err
}

// expanded is what of an intent is asked for beyond ids.
func expanded() []*string { return stripe.StringSlice([]string{"latest_charge"}) }

func (a *Adapter) authorize(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
	amount, currency, err := outAmount(r.Amount, r.Currency)
	if err != nil {
		return topics.PSPReport{}, fmt.Errorf("%w: %w", psp.ErrNotSent, err)
	}
	params := &stripe.PaymentIntentParams{
		Params: stripe.Params{Context: ctx, IdempotencyKey: &r.RequestID},
		Amount: &amount, Currency: &currency, PaymentMethod: &r.Card.Token, Confirm: stripe.Bool(true),
		PaymentMethodTypes: stripe.StringSlice([]string{"card"}), CaptureMethod: stripe.String("manual"), Expand: expanded(),
		Metadata: metadata(r),
	}
	if r.Capture {
		params.CaptureMethod = stripe.String("automatic")
	}
	if r.StatementDescriptor != "" {
		params.StatementDescriptorSuffix = &r.StatementDescriptor
	}
	if r.ReturnURL != "" {
		params.ReturnURL = &r.ReturnURL
	}
	var card stripe.PaymentIntentPaymentMethodOptionsCardParams
	if r.ThreeDS {
		card.RequestThreeDSecure = stripe.String("challenge")
	}
	if a.over && !r.Capture {
		card.RequestOvercapture = stripe.String(string(stripe.PaymentIntentPaymentMethodOptionsCardRequestOvercaptureIfAvailable))
	}
	if card.RequestThreeDSecure != nil || card.RequestOvercapture != nil {
		params.PaymentMethodOptions = &stripe.PaymentIntentPaymentMethodOptionsParams{Card: &card}
	}
	intent, err := a.intents.New(params)
	if err != nil {
		return refused(r, err)
	}
	return authorized(r, intent)
}

// confirm learns how the challenge ended: the customer passed it with Stripe, which goes on by itself. One that was given
// up is ended, so that nobody passes it later.
func (a *Adapter) confirm(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
	intent, err := a.intents.Get(r.PSPReference, &stripe.PaymentIntentParams{Params: stripe.Params{Context: ctx}, Expand: expanded()})
	if err != nil {
		return refused(r, err)
	}
	givenUp := r.Challenge != nil && (r.Challenge.Result == "abandoned" || r.Challenge.Result == "failed")
	if givenUp && intent.Status == stripe.PaymentIntentStatusRequiresAction {
		intent, err = a.intents.Cancel(r.PSPReference, &stripe.PaymentIntentCancelParams{
			Params:             stripe.Params{Context: ctx, IdempotencyKey: &r.RequestID},
			CancellationReason: stripe.String("abandoned"), Expand: expanded(),
		})
		if err != nil {
			return refused(r, err)
		}
	}
	return authorized(r, intent)
}

func (a *Adapter) capture(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
	amount, _, err := outAmount(r.Amount, r.Currency)
	if err != nil {
		return topics.PSPReport{}, fmt.Errorf("%w: %w", psp.ErrNotSent, err)
	}
	intent, err := a.intents.Capture(r.PSPReference, &stripe.PaymentIntentCaptureParams{
		Params:          stripe.Params{Context: ctx, IdempotencyKey: &r.RequestID},
		AmountToCapture: &amount, Metadata: map[string]string{metaCapture: r.RequestID}, Expand: expanded(),
	})
	if err != nil {
		return refused(r, err)
	}
	return captured(r, intent)
}

// void cancels the intent. Stripe released the rest of one that was captured in part together with the capture.
func (a *Adapter) void(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
	intent, err := a.intents.Cancel(r.PSPReference, &stripe.PaymentIntentCancelParams{
		Params: stripe.Params{Context: ctx, IdempotencyKey: &r.RequestID}, Expand: expanded(),
	})
	var said *stripe.Error
	if errors.As(err, &said) && said.Code == stripe.ErrorCodePaymentIntentUnexpectedState {
		released, getErr := a.intents.Get(r.PSPReference, &stripe.PaymentIntentParams{Params: stripe.Params{Context: ctx}, Expand: expanded()})
		if getErr != nil {
			return topics.PSPReport{}, fmt.Errorf("%w: after a cancel that was refused: %w", psp.ErrUnknown, noAnswer(getErr))
		}
		if report, ok, err := voided(r, released); ok || err != nil {
			return report, err
		}
	}
	if err != nil {
		return refused(r, err)
	}
	report, ok, err := voided(r, intent)
	if err == nil && !ok {
		err = fmt.Errorf("%w: cancelled, and the intent is %.32q", psp.ErrUnknown, intent.Status)
	}
	return report, err
}

func (a *Adapter) refund(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
	amount, _, err := outAmount(r.Amount, r.Currency)
	if err != nil {
		return topics.PSPReport{}, fmt.Errorf("%w: %w", psp.ErrNotSent, err)
	}
	made, err := a.refunds.New(&stripe.RefundParams{
		Params:        stripe.Params{Context: ctx, IdempotencyKey: &r.RequestID},
		PaymentIntent: &r.PSPReference, Amount: &amount, Metadata: metadata(r),
	})
	if err != nil {
		return refused(r, err)
	}
	return refunded(r, made, topics.PSPDeclined)
}

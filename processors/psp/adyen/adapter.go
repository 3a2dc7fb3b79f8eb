package adyen

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/topics"
)

// units are the currencies that Adyen counts otherwise than ISO 4217.
var units = psp.Units{"CLP": 2, "CVE": 0, "IDR": 0, "ISK": 2}

// Config of the adapter.
type Config struct {
	Name            string // the PSP's, in requests and webhook routes
	BaseURL         string // with the version: https://checkout-test.adyen.com/v71
	Key             string // API key
	MerchantAccount string
	Timeout         time.Duration
	Connections     int
}

// Adapter speaks with Adyen.
type Adapter struct {
	name, account string
	client        *psp.Client
}

// New returns the adapter. It connects at the first call.
func New(cfg Config) (*Adapter, error) {
	if cfg.Key == "" || cfg.MerchantAccount == "" {
		return nil, errors.New("the API key or the merchant account of Adyen is missing")
	}
	client, err := psp.NewClient(psp.HTTPConfig{
		BaseURL: cfg.BaseURL, Header: http.Header{"X-Api-Key": {cfg.Key}, "Accept": {"application/json"}},
		Timeout: cfg.Timeout, Connections: cfg.Connections,
	})
	if err != nil {
		return nil, err
	}
	return &Adapter{cfg.Name, cfg.MerchantAccount, client}, nil
}

// Name implements psp.Adapter.
func (a *Adapter) Name() string { return a.name }

// Idempotent implements psp.Adapter. Adyen knows keys, but cannot say that a request never came.
func (a *Adapter) Idempotent() (time.Duration, bool) { return 0, false }

// Do implements psp.Adapter. A request without an answer is repeated once, while it may still be sent.
func (a *Adapter) Do(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
	if report, ok := unaskable(r); ok {
		return report, nil
	}
	report, err := a.send(ctx, r)
	if errors.Is(err, psp.ErrUnknown) && ctx.Err() == nil && time.Now().Before(r.NotAfter) {
		if again, againErr := a.again(ctx, r); againErr == nil {
			return again, nil
		}
	}
	return report, err
}

// Poll implements psp.Adapter. Adyen cannot be asked.
func (a *Adapter) Poll(_ context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
	if report, ok := unaskable(r); ok {
		report.Outcome = topics.PSPNotFound // nothing of the kind is ever sent
		return report, nil
	}
	return topics.PSPReport{Operation: r.Operation, Outcome: topics.PSPUnknown, Detail: "Adyen cannot be asked; its notification tells"}, nil
}

// Repeat implements psp.Repeater.
func (a *Adapter) Repeat(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
	if report, ok := unaskable(r); ok {
		return report, nil
	}
	return a.again(ctx, r)
}

// again sends a request that may have been performed once more, under its key. Only what Adyen performed under the key counts: that
// a repeat was not sent, or was refused (the key is not known where it arrived, the token was deleted, the payment captured since),
// says nothing of the first.
func (a *Adapter) again(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
	report, err := a.send(ctx, r)
	switch {
	case err != nil:
		return topics.PSPReport{}, fmt.Errorf("%w: the repeat: %s", psp.ErrUnknown, err)
	case report.Outcome == topics.PSPFailed:
		return topics.PSPReport{}, fmt.Errorf("%w: the repeat was refused: %s", psp.ErrUnknown, report.Detail)
	}
	return report, nil
}

// unaskable reports a request that Adyen cannot perform. ok is false for every other.
func unaskable(r *topics.PSPRequest) (report topics.PSPReport, ok bool) {
	failed := func(format string, values ...any) (topics.PSPReport, bool) {
		return topics.PSPReport{Operation: r.Operation, Outcome: topics.PSPFailed, PSPReference: r.PSPReference, Detail: fmt.Sprintf(format, values...)}, true
	}
	switch r.Operation {
	case topics.OperationAuthorize:
		if m := r.PaymentMethod.By(); m != nil {
			return failed("payment_method %s: Adyen is asked for cards alone", m.Type)
		}
		if r.Card != nil && r.Card.Token == "" {
			return failed("card.token: want a storedPaymentMethodId of Adyen")
		}
	case topics.OperationConfirm:
		if c := r.Challenge; c != nil && c.Payload == "" {
			if c.Result == "abandoned" || c.Result == "failed" { // Adyen authorises only once the result is handed in
				return topics.PSPReport{Operation: r.Operation, Outcome: topics.PSPDeclined, PSPReference: r.PSPReference, DeclineCode: c.Result}, true
			}
			return failed("challenge.payload: want the redirectResult or the details that Adyen gave to the shop")
		}
		if c := r.Challenge; c != nil && strings.HasPrefix(c.Payload, "{") && !json.Valid([]byte(c.Payload)) {
			return failed("challenge.payload: is not JSON")
		}
	case topics.OperationCapture, topics.OperationVoid, topics.OperationRefund:
		if !isReference(r.PSPReference) {
			return failed("psp_reference %.64q: want one of Adyen", r.PSPReference)
		}
	default:
		return failed("operation %.64q: Adyen is not asked for it", r.Operation)
	}
	if _, err := units.Out(r.Amount, r.Currency); err != nil {
		return failed("%s", err)
	}
	return report, false
}

// isReference tells whether a text has the form of a PSP reference of Adyen: 16 letters and digits.
func isReference(s string) bool {
	return len(s) == 16 && strings.Trim(s, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// send makes the call of a request.
func (a *Adapter) send(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
	path, body, err := a.call(r)
	if err != nil {
		return topics.PSPReport{}, fmt.Errorf("%w: %w", psp.ErrNotSent, err)
	}
	payload, err := json.Marshal(body)
	if err != nil {
		return topics.PSPReport{}, fmt.Errorf("%w: encoding the call: %w", psp.ErrNotSent, err)
	}
	var report topics.PSPReport
	err = a.client.Call(ctx, http.MethodPost, path, r.RequestID, payload, func(status int, data []byte) error {
		switch {
		case status == http.StatusOK && !modifies(r.Operation):
			report, err = payment(r, data)
		case status == http.StatusCreated && modifies(r.Operation):
			report, err = received(r, data)
		default:
			report, err = refused(r, status, data)
		}
		return err
	})
	return report, err
}

func modifies(o topics.PSPOperation) bool {
	return o == topics.OperationCapture || o == topics.OperationVoid || o == topics.OperationRefund
}

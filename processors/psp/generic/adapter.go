package generic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/topics"
)

// Config of the adapter.
type Config struct {
	Name        string // the PSP's, in requests and webhook routes
	BaseURL     string
	Secret      string // ${secret}
	Definition  *Definition
	Timeout     time.Duration
	Connections int
}

// Adapter speaks as a file describes.
type Adapter struct {
	*Definition
	name, secret string
	client       *psp.Client
}

// New returns the adapter. It connects at the first call.
func New(cfg Config) (*Adapter, error) {
	if cfg.Definition.NeedsSecret && cfg.Secret == "" {
		return nil, errors.New("the definition uses ${secret}, and there is none")
	}
	client, err := psp.NewClient(psp.HTTPConfig{
		BaseURL: cfg.BaseURL, Header: http.Header{"Accept": {"application/json"}}, Timeout: cfg.Timeout, Connections: cfg.Connections,
	})
	if err != nil {
		return nil, err
	}
	return &Adapter{cfg.Definition, cfg.Name, cfg.Secret, client}, nil
}

// Name implements psp.Adapter.
func (a *Adapter) Name() string { return a.name }

// Idempotent implements psp.Adapter.
func (a *Adapter) Idempotent() (time.Duration, bool) { return a.KeyWindow, a.KeyWindow > 0 }

// Do implements psp.Adapter.
func (a *Adapter) Do(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
	failed := topics.PSPReport{Operation: r.Operation, Outcome: topics.PSPFailed, PSPReference: r.PSPReference}
	op := a.Operations[r.Operation]
	if op == nil {
		failed.Detail = fmt.Sprintf("operation %.64q: its file does not describe it", r.Operation)
		return failed, nil
	}
	if method := r.PaymentMethod.Kind(); len(a.Methods) > 0 && !slices.Contains(a.Methods, method) {
		failed.Detail = fmt.Sprintf("payment_method %.32s: its file takes %s alone", method, strings.Join(a.Methods, ", "))
		return failed, nil
	}
	report, err := a.perform(ctx, &op.call, r)
	if wrong := (*unaskable)(nil); errors.As(err, &wrong) { // the same at every attempt: it was never sent
		failed.Detail = psp.SafeDetail(wrong.Error())
		return failed, nil
	}
	return report, err
}

// Poll implements psp.Adapter. What cannot be asked stays unknown, and a webhook tells.
func (a *Adapter) Poll(ctx context.Context, r *topics.PSPRequest) (topics.PSPReport, error) {
	op := a.Operations[r.Operation]
	if op == nil {
		return topics.PSPReport{Operation: r.Operation, Outcome: topics.PSPNotFound, Detail: "nothing of the kind is ever sent"}, nil
	}
	if op.poll == nil {
		return topics.PSPReport{Operation: r.Operation, Outcome: topics.PSPUnknown, Detail: "its file describes no poll"}, nil
	}
	report, err := a.perform(ctx, op.poll, r)
	if wrong := (*unaskable)(nil); errors.As(err, &wrong) {
		return topics.PSPReport{Operation: r.Operation, Outcome: topics.PSPUnknown, Detail: psp.SafeDetail(wrong.Error())}, nil
	}
	return report, err
}

// unaskable is a request that a call cannot be made of.
type unaskable struct{ error }

func (a *Adapter) perform(ctx context.Context, c *call, r *topics.PSPRequest) (topics.PSPReport, error) {
	v, err := a.valuesOf(r, a.secret)
	if err != nil {
		return topics.PSPReport{}, &unaskable{err}
	}
	request, err := a.request(c, v)
	if err != nil {
		return topics.PSPReport{}, &unaskable{err}
	}
	var report topics.PSPReport
	err = a.client.Send(ctx, request, func(status int, data []byte) error {
		report, err = a.report(r, status, data, c.answers, v)
		return err
	})
	return report, err
}

// request puts values into a call.
func (a *Adapter) request(c *call, v *values) (*psp.HTTPRequest, error) {
	var path strings.Builder
	for _, s := range c.path {
		part, err := s.fillSegment(v)
		if err != nil {
			return nil, err
		}
		path.WriteString("/" + part)
	}
	query, err := fillPairs(c.query, v)
	if err != nil {
		return nil, err
	}
	request := &psp.HTTPRequest{Method: c.method, Path: path.String(), RawQuery: query.Encode(), Header: http.Header{}}
	if a.KeyHeader != "" && c.keyed {
		request.Header[a.KeyHeader] = []string{v.r.RequestID}
	}
	for _, headers := range [][]pair{a.Headers, c.headers} {
		for _, h := range headers {
			text, err := h.fillHeader(v)
			if err != nil {
				return nil, fmt.Errorf("header %s: %w", h.name, err)
			}
			request.Header[h.name] = []string{text}
		}
	}
	switch {
	case c.body != nil:
		built, _, err := c.body.build(v)
		if err != nil {
			return nil, err
		}
		if request.Body, err = json.Marshal(built); err != nil {
			return nil, err
		}
		request.Header["Content-Type"] = []string{"application/json"}
	case c.form != nil:
		form, err := fillPairs(c.form, v)
		if err != nil {
			return nil, err
		}
		request.Body = []byte(form.Encode())
		request.Header["Content-Type"] = []string{"application/x-www-form-urlencoded"}
	}
	return request, nil
}

// fillPairs are the pairs with their values. One that is a variable alone which the request lacks is left out.
func fillPairs(pairs []pair, v *values) (url.Values, error) {
	filled := url.Values{}
	for _, p := range pairs {
		text, err := p.fill(v, asIs)
		if missing := (*lacking)(nil); errors.As(err, &missing) {
			if _, alone := p.alone(); alone {
				continue
			}
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		filled.Set(p.name, text)
	}
	return filled, nil
}

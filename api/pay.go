package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

// The pages on which payers pay. They need no script, store nothing in the browser and load nothing: whoever has the address
// may pay, and nobody else learns of it.

//go:embed pay.html
var payHTML string

var payTemplate = template.Must(template.New("pay").Parse(payHTML))

const payStyle = `body{font:1rem/1.5 system-ui,sans-serif;margin:0;background:#f4f4f5;color:#18181b}` +
	`main{max-width:32rem;margin:2rem auto;padding:1.5rem;background:#fff;border-radius:.5rem}` +
	`h1{font-size:1.4rem;margin-top:0}dl{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem}dt{color:#52525b}dd{margin:0;overflow-wrap:anywhere}` +
	`.amount{font-size:1.3rem;font-weight:700}fieldset{border:1px solid #a1a1aa;border-radius:.25rem}` +
	`.notice{border-left:.25rem solid #b45309;padding:.5rem 1rem;background:#fef3c7}code{overflow-wrap:anywhere}` +
	`button,.button{display:inline-block;font:inherit;padding:.6rem 1.2rem;border:0;border-radius:.25rem;background:#1d4ed8;color:#fff;text-decoration:none}` +
	`table{width:100%;border-collapse:collapse}caption{text-align:left;font-weight:700}th,td{text-align:left;padding:.25rem;border-bottom:1px solid #d4d4d8}` +
	`a:focus,button:focus,input:focus{outline:3px solid #f59e0b;outline-offset:2px}`

var payPolicy = func() string {
	sum := sha256.Sum256([]byte(payStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}()

// payPage is what a page shows.
type payPage struct {
	Title, Notice    string
	Link             *view.Link // nil: there is none to show
	Invoice          *payInvoice
	Amount, State    string
	Until, UntilText string
	Action           *topics.Action
	Deeplink         template.URL
	Methods          []LinkMethod
	Self, Attempt    string
	Ways             []payWay
	Refresh          bool
	status           int
	retryAfter       time.Duration
}

// payWay is a way on from a page.
type payWay struct{ URL, Text string }

// Style is trusted: it is ours.
func (*payPage) Style() template.CSS { return payStyle }

// show answers with a page.
func (c *call) show(p *payPage) error {
	var body bytes.Buffer
	if err := payTemplate.Execute(&body, p); err != nil {
		return fmt.Errorf("the page: %w", err)
	}
	c.payHeaders()
	if p.retryAfter > 0 {
		c.writer.Header().Set("Retry-After", fmt.Sprint(int64((p.retryAfter+time.Second-1)/time.Second)))
	}
	return c.sendAs("text/html; charset=utf-8", p.status, body.Bytes())
}

// payHeaders: nothing of a page is kept, framed, loaded or told to where it leads.
func (c *call) payHeaders() {
	h := c.writer.Header()
	h.Set("Content-Security-Policy", payPolicy)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Robots-Tag", "noindex, nofollow")
}

// page wraps the handler of a page: what goes wrong is shown as one.
func page(handle func(*call) error) func(*call) error {
	return func(c *call) error {
		if wait := c.api.pages.take(c.api.now()); wait > 0 {
			return c.show(&payPage{Title: "Please wait", Notice: "Too many people are paying at this moment. Try again shortly.", status: http.StatusTooManyRequests, retryAfter: wait})
		}
		err := handle(c)
		if err == nil || errors.Is(err, errGone) {
			return err
		}
		problem := problemOf(err)
		shown := &payPage{Title: "This did not work", status: problem.Status, retryAfter: problem.RetryAfter,
			Notice: "Something went wrong. Load the page again to see whether the payment was made before you try again."}
		switch {
		case problem.Status == http.StatusNotFound:
			shown.Title, shown.Notice = "There is nothing to pay here", "Check the address of the page, or ask whoever sent it to you."
		case problem.Status < http.StatusInternalServerError:
			shown.Notice = "The form could not be used. Load the page again."
		default:
			c.api.log.Error("request failed", "route", c.pattern, "trace_id", c.traceID, "error", err)
		}
		return c.show(shown)
	}
}

// payLink finds the link whose address the path holds. That there is no such link and that the secret is wrong look alike.
func (c *call) payLink() (*view.Link, string, error) {
	token := c.request.PathValue("token")
	id, secret, _ := strings.Cut(token, ".")
	found, err := c.linkNamed(id)
	if err == nil && (found.TokenHash == "" || subtle.ConstantTimeCompare([]byte(topics.HashLinkSecret(secret)), []byte(found.TokenHash)) != 1) {
		return nil, "", notFound("payment link of this address")
	}
	return found, "/pay/" + token, err
}

func (c *call) linkNamed(id string) (*view.Link, error) {
	ctx, cancel := context.WithTimeout(c.request.Context(), databaseWithin)
	defer cancel()
	found, err := view.GetLink(ctx, c.api.db.Pool, "", id)
	if errors.Is(err, view.ErrNotFound) {
		return nil, notFound("payment link of this address")
	}
	if err == nil {
		c.paymentID = found.ID
	}
	return found, err
}

// showLink shows a link, and the ways to pay where a payment may begin.
func (a *API) showLink(c *call) error {
	l, self, err := c.payLink()
	if err != nil {
		return err
	}
	p, err := a.pageOf(l, self)
	if err != nil {
		return err
	}
	return c.show(p)
}

// pageOf is the page of a link as it stands.
func (a *API) pageOf(l *view.Link, self string) (*payPage, error) {
	p := &payPage{
		Title: "Pay " + l.Tenant, Link: l, Invoice: invoiceOf(l), Self: self, status: http.StatusOK,
		Amount: ledger.Money{Minor: l.Amount, Currency: ledger.Currency(l.Currency)}.String(),
		Until:  l.ExpiresAt.UTC().Format(time.RFC3339), UntilText: l.ExpiresAt.UTC().Format("2 January 2006, 15:04 MST"),
	}
	over := !a.now().Before(l.ExpiresAt)
	switch {
	case l.Status == topics.LinkStatusPaid:
		p.State = "paid"
	case l.Status == topics.LinkStatusCancelled:
		p.State = "cancelled; nothing can be paid any more"
	case l.Status == topics.LinkStatusExpired || over:
		p.State = "expired; nothing can be paid any more"
	case l.Free == 0:
		p.State = "a payment has begun; its outcome decides"
	case len(a.pages.Methods) == 0 || len(a.pages.Key) == 0:
		p.State, p.Notice = "open", "No way to pay is offered here."
	default:
		p.State, p.Methods = "open", a.pages.Methods
		var err error
		if p.Attempt, err = a.pages.newAttempt(l.ID); err != nil {
			return nil, err
		}
	}
	if l.MaxUses > 1 {
		return p, nil // a payment that has begun is somebody's
	}
	if id, err := topics.ParsePaymentID(l.LatestPayment); err == nil && l.Uses.Reserved > 0 {
		p.Ways = append(p.Ways, payWay{self + "/" + id.UUID.String(), "Show the payment that has begun"})
	}
	if l.Status == topics.LinkStatusPaid && l.ReturnURL != "" {
		p.Ways = append(p.Ways, payWay{l.ReturnURL, "Back to the shop"})
	}
	return p, nil
}

package api

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/uuid/v5"
	"github.com/segmentio/encoding/json"

	"github.com/weirhq/weir/api/await"
	"github.com/weirhq/weir/ledger"
	"github.com/weirhq/weir/processors/payments/view"
	"github.com/weirhq/weir/topics"
)

const (
	maxPayForm = 4 << 10        // bytes of a form
	formLife   = 24 * time.Hour // of a page's form
)

// newAttempt is the mark of a new form: the id of the command that it will send, and a proof that a page of the link held it.
// A form that is sent twice sends one command: the payment begins once.
func (p *LinkPages) newAttempt(linkID string) (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", err
	}
	return id.String() + "." + p.derive("attempt", linkID+"\x00"+id.String()), nil
}

// readAttempt is the id in a form's mark, and its time.
func (p *LinkPages) readAttempt(linkID, mark string, now time.Time) (id uuid.UUID, issued time.Time, err error) {
	text, proof, _ := strings.Cut(mark, ".")
	wrong := &Problem{Status: http.StatusBadRequest, Code: "malformed", Message: "attempt: is not of a page of this link, or too old"}
	if len(p.Key) == 0 || subtle.ConstantTimeCompare([]byte(p.derive("attempt", linkID+"\x00"+text)), []byte(proof)) != 1 {
		return id, issued, wrong
	}
	if id, err = uuid.FromString(text); err != nil {
		return id, issued, wrong
	}
	stamp, err := uuid.TimestampFromV7(id)
	if err == nil {
		issued, err = stamp.Time()
	}
	if err != nil || now.Sub(issued) > formLife {
		return id, issued, wrong
	}
	return id, issued, nil
}

// pay begins a payment by a link, with the way that the form names.
func (a *API) pay(c *call) error {
	if err := a.pages.origins.Check(c.request); err != nil {
		return &Problem{Status: http.StatusForbidden, Code: "forbidden", Message: "the form was sent by another site", Cause: err}
	}
	l, self, err := c.payLink()
	if err != nil {
		return err
	}
	c.request.Body = http.MaxBytesReader(c.writer, c.request.Body, maxPayForm)
	if err := c.request.ParseForm(); err != nil {
		return &Problem{Status: http.StatusBadRequest, Code: "malformed", Message: "the form cannot be read", Cause: err}
	}
	id, issued, err := a.pages.readAttempt(l.ID, c.request.PostForm.Get("attempt"), a.now())
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(c.request.PostForm.Get("method"))
	if err != nil || n < 0 || n >= len(a.pages.Methods) {
		return &Problem{Status: http.StatusBadRequest, Code: "malformed", Message: "method: is none that the page offers"}
	}
	o := a.attempt(c, l, &a.pages.Methods[n], id)
	partitions := a.hub.Partitions()
	if partitions == 0 {
		return await.ErrNotReady
	}
	o.bind(id, issued.UTC(), partitions)
	c.commandID = id.String()
	// From here on the client may go: a form that is sent again finds what was begun.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.request.Context()), a.limits.budget())
	defer cancel()
	reply, err := o.result(ctx, true)
	if err != nil {
		return err
	}
	var refusal Error
	if reply.status == http.StatusConflict || reply.status == http.StatusUnprocessableEntity || reply.status == http.StatusNotFound {
		if err := json.Unmarshal(reply.body, &refusal); err != nil {
			return err
		}
		return a.notBegun(c, l, self, refusal.Error)
	}
	c.payHeaders()
	http.Redirect(c.writer, c.request, self+"/"+id.String(), http.StatusSeeOther)
	return nil
}

// attempt is the order of a payment by a link.
func (a *API) attempt(c *call, l *view.Link, m *LinkMethod, id uuid.UUID) *paymentOrder {
	command := topics.Command{
		Type: topics.CommandCreate, Tenant: l.Tenant, Region: l.Region, CustomerID: l.CustomerID, LinkID: l.ID, Amount: l.Amount, Currency: l.Currency,
		Authorize: true, CaptureMethod: topics.CaptureAutomatic, TraceID: c.traceID, Context: payerOf(c.request),
		ReturnURL: a.pages.returnTo(l.ID, id.String()), MerchantReference: l.MerchantReference, Description: l.Description,
	}
	if m.Token != "" {
		command.Card = &topics.Card{Token: m.Token}
	} else {
		command.PaymentMethod = &topics.PaymentMethod{Type: m.Type, Name: m.Name}
	}
	return &paymentOrder{call: c, command: command}
}

// payerOf is what is known of who pays: where the request came from, as far as a proxy in front leaves it.
func payerOf(r *http.Request) *topics.Context {
	payer := new(topics.Context)
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil && net.ParseIP(host) != nil {
		payer.IP = host
	}
	if agent := r.UserAgent(); len(agent) <= 512 && printable(agent) && !topics.FindCardNumber([]byte(agent)) {
		payer.UserAgent = agent
	}
	return payer
}

// notBegun shows the link again, and why no payment has begun.
func (a *API) notBegun(c *call, l *view.Link, self, code string) error {
	ctx, cancel := context.WithTimeout(c.request.Context(), databaseWithin)
	defer cancel()
	now, err := view.GetLink(ctx, a.db.Pool, l.Tenant, l.ID)
	if err != nil {
		return err
	}
	p, err := a.pageOf(now, self)
	if err != nil {
		return err
	}
	p.status, p.Methods = http.StatusConflict, nil
	switch topics.RefusalCode(code) {
	case topics.RefusedInProgress:
		p.Notice = "Another payment has begun at the same moment. Nothing was taken by this one."
	case topics.RefusedFinished:
		p.Notice = "Nothing can be paid here any more. Nothing was taken."
	default:
		p.Notice = "The payment was not begun, and nothing was taken. Load the page again."
	}
	return c.show(p)
}

// returnTo is where PSPs send the payer of a payment back to. It is told to them, and published with the payment: it shows what
// became of that and, without the link's secret, lets nobody pay.
func (p *LinkPages) returnTo(linkID, payment string) string {
	return p.URL + "/pay/" + linkID + "/" + payment + "." + p.derive("return", linkID+"\x00"+payment)
}

// payAttempt finds the link whose payment the path names, by the link's address or as returnTo does; self is "" there.
func (c *call) payAttempt() (l *view.Link, self string, id uuid.UUID, err error) {
	payment, proof, returns := strings.Cut(c.request.PathValue("attempt"), ".")
	if id, err = uuid.FromString(payment); err != nil {
		return nil, "", id, notFound("payment of this address")
	}
	if !returns {
		l, self, err = c.payLink()
		return l, self, id, err
	}
	pages, link := &c.api.pages, c.request.PathValue("token")
	if len(pages.Key) == 0 || subtle.ConstantTimeCompare([]byte(pages.derive("return", link+"\x00"+payment)), []byte(proof)) != 1 {
		return nil, "", id, notFound("payment of this address")
	}
	l, err = c.linkNamed(link)
	return l, "", id, err
}

// showAttempt shows what became of a payment by a link, and what the payer must do next.
func (a *API) showAttempt(c *call) error {
	l, self, id, err := c.payAttempt()
	if err != nil {
		return err
	}
	link, err := topics.ParseLinkID(l.ID)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.request.Context(), databaseWithin)
	defer cancel()
	payment := topics.PaymentID{Partition: link.Partition, UUID: id}
	intent, err := view.Get(ctx, a.db.Pool, l.Tenant, payment.String())
	if errors.Is(err, view.ErrNotFound) || err == nil && intent.LinkID != l.ID {
		return notFound("payment of this address")
	}
	if err != nil {
		return err
	}
	c.paymentID = intent.ID
	p, err := a.pageOf(l, self)
	if err != nil {
		return err
	}
	p.Methods, p.Ways = nil, nil
	switch s := intent.Status; {
	case intent.Captured > 0:
		p.State = "paid"
		if intent.Refunded > 0 {
			p.State = "paid, and given back in part or whole"
		}
		if l.ReturnURL != "" {
			p.Ways = append(p.Ways, payWay{l.ReturnURL, "Back to the shop"})
		}
	case s == topics.StatusRequiresAction:
		p.State, p.Action = "waits for you", intent.Action
		if intent.Action != nil {
			p.Deeplink = deeplink(intent.Action.Deeplink)
		}
		p.Refresh = intent.Action != nil && intent.Action.URL == "" // a code: the payer stays here
	case s == topics.StatusAuthorized, s == topics.StatusHeld, s == topics.StatusReviewing:
		p.State = "accepted, and not taken yet"
	case s == topics.StatusDeclined, s == topics.StatusBlocked, s == topics.StatusRejected, s == topics.StatusVoided,
		s == topics.StatusExpired, s == topics.StatusCancelled:
		p.State = "not paid"
		switch {
		case intent.Unapplied > 0: // too little, or too late
			p.Notice = fmt.Sprintf("The payment did not succeed, but %s came and stands aside. Ask whoever sent you the address before you pay again.",
				ledger.Money{Minor: intent.Unapplied, Currency: ledger.Currency(intent.Currency)})
		case self == "":
			p.Notice = "The payment did not succeed. Nothing was taken. To try again, open the address that was sent to you."
		default:
			p.Notice = "The payment did not succeed. Nothing was taken."
			p.Ways = append(p.Ways, payWay{self, "Back to the ways to pay"})
		}
	default:
		p.State, p.Refresh = "is being processed", true
	}
	return c.show(p)
}

// deeplink lets a banking app be opened by its own scheme; what could run in the page does not pass.
func deeplink(text string) template.URL {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	switch strings.ToLower(u.Scheme) {
	case "", "javascript", "data", "vbscript", "blob", "file":
		return ""
	}
	return template.URL(text)
}

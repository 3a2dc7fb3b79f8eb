package sandbox

import (
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"time"

	"github.com/weirhq/weir/ledger"
)

//go:embed buttons.html
var buttonsText string

func buttonsHTML() *template.Template {
	return template.Must(template.New("buttons").Parse(buttonsText))
}

// maxListed bounds the payments on the page that lists them.
const maxListed = 100

// listed is what the page of all payments shows.
type listed struct {
	Error     string
	Reference string // that was looked for
	Payments  []shownPayment
	Shown     int
	Today     string
	Faults    *Faults
	Kinds     []Kind
}

// OutageOf tells the page which operations were chosen.
func (f *Faults) OutageOf(kind Kind) bool { return slices.Contains(f.Outage.Operations, kind) }

// shownPayment is what the page of one payment shows.
type shownPayment struct {
	Error                                   string
	ID, Reference, Token                    string
	Challenge                               string // address of its page; "" where none is asked for
	Crypto                                  bool
	Opened                                  string
	Authorized, Captured, Refunded, PaidOut string
	Disputed                                string
	Disputable                              int64 // minor units; 0: nothing was captured
	DisputesBefore                          int
	Disputes                                []shownDispute
	Follow                                  []followUp
	Operations                              []shownOperation
}

// followUp is an operation that can be made by hand. After is how many there were when the page was made: pressing a button
// twice performs it once.
type followUp struct {
	Kind  Kind
	After int
	Left  int64 // minor units at most; 0: it has no amount
}

type shownOperation struct {
	Index                 int
	Kind                  Kind
	Money                 string
	Status                Status
	RequestID, At, Detail string
	Outcomes              []Status
	Webhooks              []string
	Events                []string
}

func (p *payment) page(baseURL string) shownPayment {
	money := func(amount int64) string {
		return ledger.Money{Minor: amount, Currency: ledger.Currency(p.Currency)}.String()
	}
	shown := shownPayment{
		ID: p.ID, Reference: p.Reference, Token: p.Token, Opened: p.Operations[0].CreatedAt.UTC().Format(time.DateTime),
		Authorized: money(p.Authorized), Captured: money(p.Captured), Refunded: money(p.Refunded), PaidOut: money(p.PaidOut),
		Disputed: money(p.Disputed), Disputable: p.Captured, DisputesBefore: p.disputes(), Disputes: p.shownDisputes(money),
	}
	if p.Operations[0].Status == RequiresAction {
		shown.Challenge = p.action(&p.Operations[0], baseURL).URL
	}
	if p.Method != nil {
		shown.Token, shown.Crypto = p.Method.Type+" "+p.Method.Name, p.Method.Type == "crypto"
	}
	if left := p.Authorized - p.Captured; left > 0 && !p.Voided {
		shown.Follow = append(shown.Follow, followUp{Capture, len(p.Operations), left}, followUp{Void, len(p.Operations), 0})
	}
	if left := p.Captured - p.Refunded - p.Disputed; left > 0 {
		shown.Follow = append(shown.Follow, followUp{Refund, len(p.Operations), left})
	}
	for i := range p.Operations {
		op := &p.Operations[i]
		if !op.told() {
			continue
		}
		one := shownOperation{
			Index: i, Kind: op.Kind, Money: money(op.Amount), Status: op.Status, RequestID: op.requestID(),
			At: op.CreatedAt.UTC().Format(time.RFC3339), Detail: op.Detail, Outcomes: p.outcomes(op), Webhooks: webhookButtons(),
		}
		for _, e := range op.Events {
			one.Events = append(one.Events, fmt.Sprintf("%s %s, %d to deliver%s", e.ID, e.Type, e.Left, map[bool]string{true: ", forged"}[e.Forged]))
		}
		shown.Operations = append(shown.Operations, one)
	}
	return shown
}

// showList serves the page of all payments, newest first. failed is why the last button did nothing.
func (s *Server) showList(w http.ResponseWriter, r *http.Request, failed *refusal) {
	page := listed{
		Reference: r.URL.Query().Get("reference"), Shown: maxListed, Today: time.Now().UTC().Format(time.DateOnly),
		Faults: s.book.faults.Load(), Kinds: outageKinds(),
	}
	s.book.mu.Lock()
	ids := s.book.ages
	if page.Reference != "" {
		ids = s.book.references[page.Reference]
	}
	for _, id := range slices.Backward(ids[max(0, len(ids)-maxListed):]) {
		page.Payments = append(page.Payments, s.book.payments[id].payment.page(s.baseURL))
	}
	s.book.mu.Unlock()
	if failed != nil {
		page.Error = failed.detail
	}
	s.render(w, "list", page, failed)
}

// showPayment serves the page of one payment.
func (s *Server) showPayment(w http.ResponseWriter, r *http.Request, failed *refusal) {
	s.book.mu.Lock()
	e := s.book.payments[r.PathValue("id")]
	s.book.mu.Unlock()
	if e == nil {
		http.NotFound(w, r)
		return
	}
	page := e.payment.page(s.baseURL)
	if failed != nil {
		page.Error = failed.detail
	}
	s.render(w, "payment", page, failed)
}

func (s *Server) render(w http.ResponseWriter, name string, page any, failed *refusal) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	header.Set("Cache-Control", "no-store")
	if failed != nil {
		w.WriteHeader(failed.status())
	}
	if err := s.pages.ExecuteTemplate(w, name, page); err != nil {
		s.cfg.Log.Debug("sandbox: page", "name", name, "error", err) // the caller has gone
	}
}

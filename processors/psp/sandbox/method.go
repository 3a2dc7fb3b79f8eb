package sandbox

import (
	"cmp"
	"net/http"
	"strconv"
	"time"
)

// Method is how a payment is paid where no card pays it.
type Method struct {
	Type string `json:"type"` // bank_redirect, qr or crypto
	Name string `json:"name,omitempty"`
}

// Behaviour is one row of the table of test names: what a payment by a method of that name does. Every other name waits until
// somebody decides.
type Behaviour struct {
	Method string `json:"method"`
	Name   string `json:"name"`
	Does   string `json:"does"` // for people

	steps []step // after one another, each after SettleDelay
}

// step is what becomes of such a payment.
type step struct {
	to      Status
	percent int64 // of the amount, that has come in all; 0: 100
	have    int   // of confirmations
	again   bool  // a second payment of the same code
	decline string
}

// confirmationsNeeded is how many a payment by crypto needs.
const confirmationsNeeded = 2

// Behaviours lists the test names.
func Behaviours() []Behaviour {
	return []Behaviour{
		{Method: "bank_redirect", Name: "paid", Does: "the customer approves; pending, then settled", steps: []step{{to: Pending}, {to: Approved}}},
		{Method: "bank_redirect", Name: "cancelled", Does: "the customer cancels at the bank", steps: []step{{to: Declined, decline: "cancelled_by_customer"}}},
		{Method: "bank_redirect", Name: "rejected", Does: "pending, then rejected", steps: []step{{to: Pending}, {to: Declined, decline: "AM04"}}},
		{Method: "bank_redirect", Name: "returned", Does: "pending, settled, then returned", steps: []step{{to: Pending}, {to: Approved}, {to: Reversed}}},
		{Method: "qr", Name: "paid", Does: "the code is paid", steps: []step{{to: Approved}}},
		{Method: "qr", Name: "expired", Does: "nobody pays the code", steps: []step{{to: Declined, decline: "expired"}}},
		{Method: "qr", Name: "paid_twice", Does: "two people pay the code", steps: []step{{to: Approved}, {to: Approved, again: true}}},
		{Method: "crypto", Name: "paid", Does: "seen, confirmed once, confirmed", steps: []step{{to: Pending}, {to: Pending, have: 1}, {to: Approved}}},
		{Method: "crypto", Name: "short", Does: "40 % come, and no more", steps: []step{{to: Approved, percent: 40}, {to: Declined, decline: "underpaid"}}},
		{Method: "crypto", Name: "topped_up", Does: "40 % come, then the rest", steps: []step{{to: Approved, percent: 40}, {to: Approved}}},
		{Method: "crypto", Name: "overpaid", Does: "130 % come", steps: []step{{to: Approved, percent: 130}}},
		{Method: "crypto", Name: "dropped", Does: "confirmed, then dropped by a reorganisation of the chain", steps: []step{{to: Approved}, {to: Reversed}}},
	}
}

func (m *Method) check() *refusal {
	switch {
	case m.Type != "bank_redirect" && m.Type != "qr" && m.Type != "crypto":
		return refuse(CodeInvalid, "payment_method.type %.32q: want bank_redirect, qr or crypto", m.Type)
	case len(m.Name) > 32:
		return refuse(CodeInvalid, "payment_method.name: want at most 32 characters")
	}
	return nil
}

// behaves is what becomes of a payment by its test name; none of any other name.
func (p *payment) behaves() []step {
	for _, b := range Behaviours() {
		if p.Method != nil && b.Method == p.Method.Type && b.Name == p.Method.Name {
			return b.steps
		}
	}
	return nil
}

// asks opens a payment that the customer must pay by hand.
func (f *performer) asks(p *payment, op *operation, now time.Time) {
	op.Status = RequiresAction
	f.next(p, op, now)
}

// next plans the next step, if there is one.
func (f *performer) next(p *payment, op *operation, now time.Time) {
	if steps := p.behaves(); op.Step < len(steps) {
		op.SettlesTo, op.SettlesAt = steps[op.Step].to, now.Add(f.cfg.SettleDelay)
	}
}

// paid settles a payment that no card pays, by its next step, or by hand to a status with how much has come in all.
func (f *performer) paid(p *payment, op *operation, to Status, came int64, now time.Time) {
	var of step
	if came == 0 { // by a step, or by hand as a whole
		came = op.Amount
		if steps := p.behaves(); op.Step < len(steps) && steps[op.Step].to == to {
			of = steps[op.Step]
			op.Step++
			came = op.Amount / 100 * cmp.Or(of.percent, 100)
			if of.percent == 0 {
				came = op.Amount
			}
		}
	}
	op.Status, op.Have = to, of.have
	switch to {
	case Approved:
		if op.BookedAt.IsZero() {
			op.BookedAt = now
		}
		op.Captured, op.Received, op.Have = true, max(came, op.Received), confirmationsNeeded
		op.Fee, p.Authorized, p.Captured = f.fee(op.Received), op.Received, op.Received
	case Reversed:
		op.ReversedAt, op.Detail, p.Captured = now, "the money went back", 0
	case Declined:
		op.Decline = cmp.Or(of.decline, "cancelled_by_customer")
	}
	amount := op.Amount
	if to == Approved || to == Reversed {
		amount = op.Received
	}
	f.addEvent(op, event{Type: eventType(op.Kind, op.Status), Status: op.Status, Amount: amount, Due: now, Left: 1, Have: op.Have})
	f.next(p, op, now)
}

// twice says that the next step is a second payment of the same code.
func (p *payment) twice(op *operation) bool {
	steps := p.behaves()
	return op.Step < len(steps) && steps[op.Step].again
}

// again is a second payment of the same code: of the same request, under an id of its own.
func (f *performer) again(p *payment, op *operation, now time.Time) *payment {
	second := &payment{
		ID: deriveID("auth_", op.Key, "again"), Reference: p.Reference, Account: p.Account, Currency: p.Currency, Method: p.Method,
		Network: deriveID("net_", op.Key, "again"), Capture: true,
	}
	also := operation{Key: op.requestID() + separator + "again", Fingerprint: op.Fingerprint, Kind: Authorize, Amount: op.Amount,
		CreatedAt: now, Answered: RequiresAction, Step: len(p.behaves())}
	f.paid(second, &also, Approved, op.Amount, now)
	second.Operations = []operation{also}
	return second
}

// action is what the customer is shown.
func (p *payment) action(op *operation, baseURL string) *Action {
	page := baseURL + "/pay/" + p.ID
	switch {
	case p.InShop:
		return &Action{Type: "client_token", Token: deriveID("ct_", p.ID)}
	case p.Method == nil:
		return &Action{Type: "redirect", URL: baseURL + "/challenge/" + p.ID}
	case p.Method.Type == "bank_redirect":
		return &Action{Type: "redirect", URL: page}
	}
	code, until := "sandbox:"+p.ID+"?amount="+strconv.FormatInt(op.Amount, 10), op.CreatedAt.Add(codeLasts)
	return &Action{Type: "qr_code", URL: page, QRCode: code, CopyCode: code, Deeplink: page, ExpiresAt: &until}
}

// codeLasts is how long a code may be paid.
const codeLasts = 15 * time.Minute

// payPage is where a customer pays or cancels by hand.
func (s *Server) payPage(w http.ResponseWriter, r *http.Request) {
	s.book.mu.Lock()
	e := s.book.payments[r.PathValue("id")]
	s.book.mu.Unlock()
	if e == nil || e.payment.Method == nil {
		http.NotFound(w, r)
		return
	}
	p := e.payment
	var refused *refusal
	if r.Method == http.MethodPost {
		if refused = parseForm(w, r); refused == nil {
			came, _ := strconv.ParseInt(r.PostForm.Get("amount"), 10, 64) // absent: as asked for
			_, refused = s.book.settleByHand(p.Operations[0].Key, Status(r.PostForm.Get("status")), came, time.Now().UTC(), s.baseURL)
		}
		if refused == nil {
			back := "/pay/" + p.ID
			if p.Method.Type == "bank_redirect" && p.ReturnURL != "" {
				back = p.ReturnURL
			}
			http.Redirect(w, r, back, http.StatusSeeOther)
			return
		}
	}
	page := p.page(s.baseURL)
	if refused != nil {
		page.Error = refused.detail
	}
	s.render(w, "pay", page, refused)
}

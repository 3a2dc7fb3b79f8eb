package sandbox

import "net/http"

// showRequest tells the present state of the request with an idempotency key: what an engine polls.
func (s *Server) showRequest(w http.ResponseWriter, r *http.Request) {
	s.book.mu.Lock()
	p, op := s.book.find(s.book.newestLocked(r.PathValue("key")))
	s.book.mu.Unlock()
	if p == nil {
		answerError(w, refuse(CodeNotFound, "no request with this key was performed"))
		return
	}
	answer(w, http.StatusOK, p.show(op, op.Status, s.baseURL)) // stored payments never change
}

func (s *Server) showAuthorization(w http.ResponseWriter, r *http.Request) {
	s.book.mu.Lock()
	e := s.book.payments[r.PathValue("id")]
	s.book.mu.Unlock()
	if e == nil {
		answerError(w, refuse(CodeNotFound, "no such authorization"))
		return
	}
	answer(w, http.StatusOK, e.payment.view(s.baseURL))
}

// showReference lists the authorizations of a merchant reference, oldest first; none is an empty list.
func (s *Server) showReference(w http.ResponseWriter, r *http.Request) {
	s.book.mu.Lock()
	payments := []Payment{}
	for _, id := range s.book.references[r.PathValue("reference")] {
		payments = append(payments, s.book.payments[id].payment.view(s.baseURL))
	}
	s.book.mu.Unlock()
	answer(w, http.StatusOK, payments)
}

// Summary counts what the sandbox holds.
type Summary struct {
	Payments   int              `json:"payments"`
	References int              `json:"references"` // a merchant reference with two payments was charged twice
	Statuses   map[string]int   `json:"statuses"`   // of operations, by kind and status
	Captured   map[string]int64 `json:"captured"`   // minor units by currency
	Refunded   map[string]int64 `json:"refunded"`   // settled and pending
	PaidOut    map[string]int64 `json:"paid_out"`   // settled and pending
	Disputed   map[string]int64 `json:"disputed"`   // withdrawn by disputes, and not reinstated
	Owed       int              `json:"owed"`       // payments with an operation to settle or a webhook to deliver
}

func (s *Server) summary(w http.ResponseWriter, _ *http.Request) {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	sum := Summary{
		Payments: len(s.book.payments), References: len(s.book.references),
		Statuses: map[string]int{}, Captured: map[string]int64{}, Refunded: map[string]int64{}, PaidOut: map[string]int64{},
		Disputed: map[string]int64{},
	}
	for _, e := range s.book.payments {
		p := e.payment
		for i := range p.Operations {
			if op := &p.Operations[i]; op.told() {
				sum.Statuses[eventType(op.Kind, op.Status)]++
			}
		}
		sum.Captured[p.Currency] += p.Captured
		sum.Refunded[p.Currency] += p.Refunded
		sum.PaidOut[p.Currency] += p.PaidOut
		sum.Disputed[p.Currency] += p.Disputed
		if !p.settled() {
			sum.Owed++
		}
	}
	answer(w, http.StatusOK, sum)
}

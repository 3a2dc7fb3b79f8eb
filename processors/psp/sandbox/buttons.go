package sandbox

import (
	"net/http"
	"strconv"
	"time"
)

// webhookButtons are the ways to send a webhook from the page. Each makes what a body of POST /v1/test/trigger would.
func webhookButtons() []string {
	return []string{"again", "duplicate", "late", "reordered", "forged", "wrong amount"}
}

func (s *Server) webhookButton(op *operation, kind string) (*Trigger, *refusal) {
	t := &Trigger{RequestID: op.requestID()}
	switch kind {
	case "again":
	case "duplicate":
		t.Copies = 2
	case "late":
		t.DelayMS = s.cfg.LateDelay.Milliseconds()
	case "reordered":
		t.Reordered = true
	case "forged":
		t.Forged = true
	case "wrong amount":
		amount := op.Amount + 1
		t.Amount = &amount
	default:
		return nil, refuse(CodeInvalid, "webhook %.64q: want one of %v", kind, webhookButtons())
	}
	return t, nil
}

// buttons serves the pages and what their forms post.
func (s *Server) buttons() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /buttons", func(w http.ResponseWriter, r *http.Request) { s.showList(w, r, nil) })
	mux.HandleFunc("GET /buttons/{id}", func(w http.ResponseWriter, r *http.Request) { s.showPayment(w, r, nil) })
	mux.HandleFunc("POST /buttons/faults", s.pressFaults)
	mux.HandleFunc("POST /buttons/{id}", s.pressPayment)
	return mux
}

// pressFaults sets all faults to what the form says; a field that it lacks is zero.
func (s *Server) pressFaults(w http.ResponseWriter, r *http.Request) {
	faults, refused := faultsForm(w, r)
	if refused == nil {
		refused = faults.check()
	}
	if refused != nil {
		s.showList(w, r, refused)
		return
	}
	s.book.faults.Store(faults)
	http.Redirect(w, r, "/buttons", http.StatusSeeOther)
}

func faultsForm(w http.ResponseWriter, r *http.Request) (*Faults, *refusal) {
	if refused := parseForm(w, r); refused != nil {
		return nil, refused
	}
	faults := new(Faults)
	for field, value := range map[string]*int{
		"share": &faults.Outage.Share, "forgets_keys": &faults.ForgetsKeys, "other_answers": &faults.OtherAnswers,
	} {
		text := r.PostForm.Get(field)
		if text == "" {
			continue
		}
		var err error
		if *value, err = strconv.Atoi(text); err != nil {
			return nil, refuse(CodeInvalid, "%s %.64q: want 0 to 100 percent", field, text)
		}
	}
	if text := r.PostForm.Get("seed"); text != "" {
		var err error
		if faults.Seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			return nil, refuse(CodeInvalid, "seed %.64q: want a whole number of 0 or more", text)
		}
	}
	for _, kind := range r.PostForm["operation"] {
		faults.Outage.Operations = append(faults.Outage.Operations, Kind(kind))
	}
	return faults, nil
}

func parseForm(w http.ResponseWriter, r *http.Request) *refusal {
	r.Body = http.MaxBytesReader(w, r.Body, MaxBody)
	if err := r.ParseForm(); err != nil {
		return refuse(CodeInvalid, "form: %v", err)
	}
	return nil
}

// pressPayment does what a button of a payment's page says, and shows the page again.
func (s *Server) pressPayment(w http.ResponseWriter, r *http.Request) {
	s.book.mu.Lock()
	e := s.book.payments[r.PathValue("id")]
	s.book.mu.Unlock()
	if e == nil {
		http.NotFound(w, r)
		return
	}
	refused := parseForm(w, r)
	if refused == nil {
		switch do := Kind(r.PostForm.Get("do")); do {
		case Capture, Void, Refund:
			refused = s.pressFollow(e.payment, do, r)
		case Dispute:
			refused = s.pressDispute(e.payment, r)
		default:
			refused = s.pressOperation(e.payment, string(do), r)
		}
	}
	if refused != nil {
		s.showPayment(w, r, refused)
		return
	}
	http.Redirect(w, r, "/buttons/"+e.payment.ID, http.StatusSeeOther)
}

// pressOperation settles an operation or sends a webhook of it.
func (s *Server) pressOperation(p *payment, do string, r *http.Request) *refusal {
	n, err := strconv.Atoi(r.PostForm.Get("operation"))
	if err != nil || n < 0 || n >= len(p.Operations) {
		return refuse(CodeInvalid, "operation %.64q: the payment has %d, from 0", r.PostForm.Get("operation"), len(p.Operations))
	}
	op, now := &p.Operations[n], time.Now().UTC()
	switch do {
	case "settle":
		_, refused := s.book.settleByHand(op.Key, Status(r.PostForm.Get("status")), 0, now, s.baseURL)
		return refused
	case "webhook":
		t, refused := s.webhookButton(op, r.PostForm.Get("kind"))
		if refused == nil {
			_, refused = s.book.trigger(op.Key, t, now)
		}
		return refused
	}
	return refuse(CodeInvalid, "do %.64q: want settle, webhook, capture, void, refund or dispute", do)
}

// pressFollow performs an operation that nobody asked for through the API, as people at a provider do; its webhook tells.
func (s *Server) pressFollow(p *payment, kind Kind, r *http.Request) *refusal {
	amount, err := int64(0), error(nil)
	if kind != Void {
		if amount, err = strconv.ParseInt(r.PostForm.Get("amount"), 10, 64); err != nil {
			return refuse(CodeInvalid, "amount %.64q: want a whole number of minor units", r.PostForm.Get("amount"))
		}
	}
	key := deriveID("hand_", p.ID, string(kind), r.PostForm.Get("after"))
	request := &Request{Authorization: p.ID, Amount: amount, byHand: true}
	_, first, refused := s.book.perform(kind, key, fingerprint(string(kind), strconv.AppendInt(nil, amount, 10)), request, s.baseURL)
	if refused != nil || !first || s.cfg.WebhookURL == "" || s.cfg.WebhookAlways {
		return refused
	}
	_, refused = s.book.trigger(key, &Trigger{RequestID: key}, time.Now().UTC())
	return refused
}

package stripe_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// peer answers as Stripe documents its API: PaymentIntents, refunds, lists, idempotency keys.
type peer struct {
	URL string

	mu      sync.Mutex
	intents []*object // oldest first
	refunds []*object
	keys    map[string]*kept
	asked   map[string]int // requests by method and path
}

// object is a PaymentIntent or a refund.
type object map[string]any

// kept is the answer to an idempotency key.
type kept struct {
	form   string
	path   string
	status int
	body   []byte
}

func newPeer(t *testing.T) *peer {
	t.Helper()
	p := &peer{keys: map[string]*kept{}, asked: map[string]int{}}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.URL = server.URL
	return p
}

func failure(status int, kind, code, message string, more object) (int, object) {
	e := object{"type": kind, "code": code, "message": message}
	maps.Copy(e, more)
	return status, object{"error": e}
}

func invalid(code, message string) (int, object) {
	return failure(http.StatusBadRequest, "invalid_request_error", code, message, nil)
}

func (p *peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer sk_test_1" {
		status, body := failure(http.StatusUnauthorized, "invalid_request_error", "", "Invalid API Key provided", nil)
		answer(w, status, body)
		return
	}
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	status, body, lose := p.serve(r)
	if lose {
		<-r.Context().Done()
		return
	}
	answer(w, status, body)
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a caller who gave up is no concern of the peer
}

func (p *peer) serve(r *http.Request) (status int, body any, lose bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked[r.Method+" "+r.URL.Path]++
	path := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1/"), "/")
	if r.Method == http.MethodGet {
		status, body = p.show(path, r.Form)
		return status, body, false
	}
	key := r.Header.Get("Idempotency-Key")
	switch token := r.Form.Get("payment_method"); {
	case token == "pm_rate_limited":
		status, body = failure(http.StatusTooManyRequests, "invalid_request_error", "rate_limit", "Too many requests", nil)
		return status, body, false
	case token == "pm_lost_before":
		return 0, nil, true
	}
	if k := p.keys[key]; k != nil {
		if k.form != r.PostForm.Encode() || k.path != r.URL.Path {
			status, body = failure(http.StatusBadRequest, "idempotency_error", "", "Keys for idempotent requests can only be used with the same parameters they were first used with.", nil)
			return status, body, false
		}
		return k.status, json.RawMessage(k.body), false
	}
	status, made := p.perform(path, r.PostForm)
	data, err := json.Marshal(made)
	if err != nil {
		panic(err)
	}
	p.keys[key] = &kept{r.PostForm.Encode(), r.URL.Path, status, data}
	return status, json.RawMessage(data), r.Form.Get("payment_method") == "pm_lost_after"
}

func (p *peer) show(path []string, form url.Values) (int, any) {
	switch {
	case path[0] == "payment_intents" && len(path) == 2:
		if i := p.intent(path[1]); i != nil {
			return http.StatusOK, *i
		}
	case path[0] == "refunds" && len(path) == 2:
		for _, r := range p.refunds {
			if (*r)["id"] == path[1] {
				return http.StatusOK, *r
			}
		}
	case path[0] == "payment_intents":
		from, to := number(form, "created[gte]"), number(form, "created[lte]")
		return p.list(p.intents, form, func(o object) bool { c := o["created"].(int64); return c >= from && c <= to })
	case path[0] == "refunds":
		return p.list(p.refunds, form, func(o object) bool { return o["payment_intent"] == form.Get("payment_intent") })
	}
	return failure(http.StatusNotFound, "invalid_request_error", "resource_missing", "No such object", nil)
}

// list is a page, latest first.
func (p *peer) list(all []*object, form url.Values, in func(object) bool) (int, any) {
	data, started := []object{}, form.Get("starting_after") == ""
	limit, more := number(form, "limit"), false
	for _, o := range slices.Backward(all) {
		switch {
		case !started:
			started = (*o)["id"] == form.Get("starting_after")
		case in(*o) && int64(len(data)) == limit:
			more = true
		case in(*o):
			data = append(data, *o)
		}
	}
	return http.StatusOK, object{"object": "list", "data": data, "has_more": more}
}

func number(form url.Values, name string) int64 {
	n, _ := strconv.ParseInt(form.Get(name), 10, 64)
	return n
}

func (p *peer) intent(id string) *object {
	for _, i := range p.intents {
		if (*i)["id"] == id {
			return i
		}
	}
	return nil
}

func (p *peer) perform(path []string, form url.Values) (int, object) {
	switch {
	case len(path) == 1 && path[0] == "payment_intents":
		return p.create(form)
	case len(path) == 1 && path[0] == "refunds":
		return p.refund(form)
	case len(path) == 3 && path[0] == "payment_intents":
		i := p.intent(path[1])
		if i == nil {
			return failure(http.StatusNotFound, "invalid_request_error", "resource_missing", "No such payment_intent", nil)
		}
		if path[2] == "capture" {
			return capture(*i, form)
		}
		return cancel(*i, form)
	}
	return failure(http.StatusNotFound, "invalid_request_error", "", "Unrecognized request URL", nil)
}

func metadata(form url.Values) map[string]string {
	meta := map[string]string{}
	for name := range form {
		if inner, ok := strings.CutPrefix(name, "metadata["); ok {
			meta[strings.TrimSuffix(inner, "]")] = form.Get(name)
		}
	}
	return meta
}

// threeDecimals are the currencies in which the last digit must be zero.
var threeDecimals = []string{"bhd", "jod", "kwd", "omr", "tnd"}

func (p *peer) create(form url.Values) (int, object) {
	amount, currency := number(form, "amount"), form.Get("currency")
	for _, name := range []string{"amount", "currency", "payment_method", "capture_method", "confirm"} {
		if form.Get(name) == "" {
			return invalid("parameter_missing", "Missing required param: "+name)
		}
	}
	if slices.Contains(threeDecimals, currency) && amount%10 != 0 || slices.Contains([]string{"isk", "ugx"}, currency) && amount%100 != 0 {
		return invalid("invalid_charge_amount", "Invalid amount for "+currency)
	}
	id := fmt.Sprintf("pi_3%012d", len(p.intents)+1)
	i := object{
		"id": id, "object": "payment_intent", "amount": amount, "amount_capturable": int64(0), "amount_received": int64(0), "currency": currency,
		"capture_method": form.Get("capture_method"), "client_secret": id + "_secret_x", "created": time.Now().Unix(),
		"metadata": metadata(form), "status": "requires_confirmation", "latest_charge": nil, "payment_method": form.Get("payment_method"),
		"statement_descriptor_suffix": form.Get("statement_descriptor_suffix"), "most": amount, // most is the peer's own
	}
	p.intents = append(p.intents, &i)
	switch token := form.Get("payment_method"); {
	case token == "pm_soft":
		return deny(i, object{"code": "card_declined", "decline_code": "insufficient_funds", "advice_code": "try_again_later", "network_decline_code": "51"})
	case token == "pm_hard":
		return deny(i, object{"code": "card_declined", "decline_code": "stolen_card", "advice_code": "do_not_try_again", "network_decline_code": "43"})
	case token == "pm_leaky":
		return deny(i, object{"code": "card_declined", "decline_code": "do_not_honor", "network_decline_code": "card 4111 1111 1111 1111"})
	case token == "pm_missing":
		return invalid("resource_missing", "No such PaymentMethod: 'pm_missing'")
	case token == "pm_processing":
		i["status"] = "processing"
	case token == "pm_challenge", form.Get("payment_method_options[card][request_three_d_secure]") == "challenge":
		i["status"] = "requires_action"
		i["next_action"] = object{"type": "use_stripe_sdk", "use_stripe_sdk": object{}}
		if back := form.Get("return_url"); back != "" {
			i["next_action"] = object{"type": "redirect_to_url", "redirect_to_url": object{"url": p.URL + "/3ds/" + id, "return_url": back}}
		}
	default:
		if token == "pm_over_capture" && form.Get("payment_method_options[card][request_overcapture]") == "if_available" {
			i["most"] = amount * 6 / 5
		}
		approve(i)
	}
	return http.StatusOK, i
}

func approve(i object) {
	i["latest_charge"] = object{"id": "ch_" + i["id"].(string), "object": "charge", "payment_method_details": object{"type": "card", "card": object{
		"network_transaction_id": "net_1", "checks": object{"cvc_check": "pass", "address_postal_code_check": "fail"},
		"overcapture": object{"status": map[bool]string{true: "available", false: "unavailable"}[i["most"] != i["amount"]], "maximum_amount_capturable": i["most"]},
	}}}
	i["next_action"] = nil
	if i["capture_method"] == "manual" {
		i["status"], i["amount_capturable"] = "requires_capture", i["amount"]
		return
	}
	i["status"], i["amount_received"] = "succeeded", i["amount"]
}

func deny(i object, more object) (int, object) {
	i["status"] = "requires_payment_method"
	said := object{"type": "card_error", "message": "Your card was declined."}
	maps.Copy(said, more)
	i["last_payment_error"] = said
	i["next_action"] = nil
	withIntent := maps.Clone(more)
	withIntent["payment_intent"] = maps.Clone(i)
	return failure(http.StatusPaymentRequired, "card_error", "", "Your card was declined.", withIntent)
}

// pass is the customer at Stripe.
func (p *peer) pass(id, result string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := *p.intent(id)
	switch result {
	case "authenticated":
		approve(i)
		card := i["latest_charge"].(object)["payment_method_details"].(object)["card"].(object)
		card["three_d_secure"] = object{"electronic_commerce_indicator": "05", "transaction_id": "ds-1", "result": "authenticated"}
	case "failed":
		deny(i, object{"code": "payment_intent_authentication_failure"})
	}
}

func capture(i object, form url.Values) (int, object) {
	amount := cmp.Or(number(form, "amount_to_capture"), i["amount"].(int64))
	switch {
	case i["status"] != "requires_capture":
		return unexpected(i, "captured")
	case amount > i["most"].(int64):
		return invalid("amount_too_large", "The amount to capture is greater than the authorised amount")
	}
	i["status"], i["amount_received"], i["amount_capturable"] = "succeeded", amount, int64(0)
	maps.Copy(i["metadata"].(map[string]string), metadata(form))
	return http.StatusOK, i
}

func cancel(i object, form url.Values) (int, object) {
	if i["status"] == "succeeded" || i["status"] == "canceled" {
		return unexpected(i, "canceled")
	}
	i["status"], i["amount_capturable"] = "canceled", int64(0)
	i["cancellation_reason"] = cmp.Or(form.Get("cancellation_reason"), "requested_by_customer")
	return http.StatusOK, i
}

func unexpected(i object, what string) (int, object) {
	return failure(http.StatusBadRequest, "invalid_request_error", "payment_intent_unexpected_state",
		fmt.Sprintf("This PaymentIntent could not be %s because it has a status of %s.", what, i["status"]), object{"payment_intent": maps.Clone(i)})
}

func (p *peer) refund(form url.Values) (int, object) {
	i := p.intent(form.Get("payment_intent"))
	if i == nil {
		return failure(http.StatusNotFound, "invalid_request_error", "resource_missing", "No such payment_intent", nil)
	}
	amount, refunded := number(form, "amount"), int64(0)
	for _, r := range p.refunds {
		if (*r)["payment_intent"] == (*i)["id"] {
			refunded += (*r)["amount"].(int64)
		}
	}
	switch {
	case (*i)["status"] != "succeeded":
		return invalid("", "This PaymentIntent does not have a successful charge to refund.")
	case amount+refunded > (*i)["amount_received"].(int64):
		return invalid("", "Refund amount is greater than the unrefunded amount on the charge.")
	}
	r := object{
		"id": fmt.Sprintf("re_3%012d", len(p.refunds)+1), "object": "refund", "amount": amount, "currency": (*i)["currency"],
		"created": time.Now().Unix(), "metadata": metadata(form), "payment_intent": (*i)["id"], "status": "succeeded",
	}
	if (*i)["payment_method"] == "pm_slow_refund" {
		r["status"] = "pending"
	}
	p.refunds = append(p.refunds, &r)
	return http.StatusOK, r
}

// of is the latest intent of a payment, as webhooks show it: with ids in the place of other objects.
func (p *peer) of(t *testing.T, payment string) object {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, i := range slices.Backward(p.intents) {
		if (*i)["metadata"].(map[string]string)["weir_payment"] == payment {
			shown := maps.Clone(*i)
			if charge, ok := shown["latest_charge"].(object); ok {
				shown["latest_charge"] = charge["id"]
			}
			return shown
		}
	}
	t.Fatalf("no intent of %s", payment)
	return nil
}

// event is the body of a webhook.
func event(t *testing.T, kind string, of object) []byte {
	t.Helper()
	body, err := json.Marshal(object{"id": "evt_1", "object": "event", "type": kind, "created": 1_700_000_000, "api_version": "2026-01-28", "data": object{"object": of}})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

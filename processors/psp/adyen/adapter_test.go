package adyen_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weirhq/weir/processors/psp"
	"github.com/weirhq/weir/processors/psp/adyen"
	"github.com/weirhq/weir/processors/psp/psptest"
	"github.com/weirhq/weir/topics"
)

const ours = "pay_0001_0198c0de0198700a800a0198c0de0001"

func adapter(t *testing.T, url string) psp.Adapter {
	t.Helper()
	a, err := adyen.New(adyen.Config{Name: "adyen", BaseURL: url, Key: "key_1", MerchantAccount: "Acme", Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// majorUnits reads an amount as Adyen's list of currencies does.
func majorUnits(amount int64, currency string) string {
	switch currency {
	case "JPY":
		return fmt.Sprintf("%d JPY", amount)
	case "KWD", "BHD":
		return fmt.Sprintf("%d.%03d %s", amount/1000, amount%1000, currency)
	case "ISK":
		return fmt.Sprintf("%d ISK", amount/100)
	}
	return fmt.Sprintf("%d.%02d %s", amount/100, amount%100, currency)
}

func TestConforms(t *testing.T) {
	p := newPeer(t)
	psptest.Run(t, psptest.Harness{
		Adapter: adapter(t, p.URL), At: adapter, CannotBeAsked: true, CapturesApart: true, KeepsNoRest: true,
		Cards: psptest.Cards{
			Approved: "APPROVED", Declined: "SOFT", HardDeclined: "HARD", Challenge: "CHALLENGE", Unavailable: "RATE",
			LostBefore: "LOSTBEFORE", LostAfter: "LOSTAFTER",
		},
		Statement: func(_ *testing.T, payment string) string {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.latest[payment].statement
		},
		Charges: func(_ *testing.T, payment string) int {
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.count[payment]
		},
		Charged: func(_ *testing.T, payment string) string {
			p.mu.Lock()
			defer p.mu.Unlock()
			return majorUnits(p.latest[payment].amount, p.latest[payment].currency)
		},
		Pass: func(_ *testing.T, _ *topics.PSPRequest, asked topics.PSPReport, result string) string {
			if result == "abandoned" {
				return "" // nobody came back
			}
			return p.pass(asked.Action.URL, result)
		},
		Settle: func(t *testing.T, r *topics.PSPRequest) []byte {
			p.mu.Lock()
			defer p.mu.Unlock()
			return notification(t, p.results[r.PaymentID+"/"+r.RequestID])
		},
		Event: func(t *testing.T, r *topics.PSPRequest) []byte { return notification(t, p.authorisation(r.PaymentID)) },
		Odd:   notification(t, object{"eventCode": "NOTIFICATION_OF_FRAUD", "success": "true", "pspReference": "X", "merchantAccountCode": "Acme"}),
	})
}

func authorization(token string) *topics.PSPRequest {
	return &topics.PSPRequest{
		RequestID: "1-1-0", Operation: topics.OperationAuthorize, PSP: "adyen", Tenant: "acme", CustomerID: "c", PaymentID: ours,
		Amount: 1000, Currency: "EUR", NotAfter: time.Now().Add(time.Minute), Card: &topics.Card{Token: token},
	}
}

func TestAnswers(t *testing.T) {
	const declined, failed = topics.PSPDeclined, topics.PSPFailed
	for name, c := range map[string]struct {
		status  int
		body    string
		outcome topics.PSPOutcome
		err     error
		code    string
	}{
		"refused":             {200, `{"resultCode":"Refused","refusalReasonCode":"2","pspReference":"X"}`, declined, nil, "2"},
		"cancelled":           {200, `{"resultCode":"Cancelled"}`, declined, nil, "Cancelled"},
		"pending":             {200, `{"resultCode":"Pending","pspReference":"TESTPSPREF000001"}`, topics.PSPPending, nil, ""},
		"component":           {200, `{"resultCode":"ChallengeShopper","action":{"type":"threeDS2","token":"t"}}`, topics.PSPRequiresAction, nil, ""},
		"action without type": {200, `{"resultCode":"ChallengeShopper","action":{}}`, "", psp.ErrUnknown, ""},
		"without reference":   {200, `{"resultCode":"Authorised"}`, "", psp.ErrUnknown, ""},
		"of another payment":  {200, `{"resultCode":"Authorised","pspReference":"TESTPSPREF000001","merchantReference":"pay_x"}`, "", psp.ErrUnknown, ""},
		"of nobody":           {200, `{"resultCode":"Authorised","pspReference":"TESTPSPREF000001","amount":{"currency":"EUR","value":1000}}`, "", psp.ErrUnknown, ""},
		"in part, of no sum":  {200, `{"resultCode":"PartiallyAuthorised","pspReference":"TESTPSPREF000001","merchantReference":"` + ours + `"}`, "", psp.ErrUnknown, ""},
		"in part":             {200, `{"resultCode":"PartiallyAuthorised","pspReference":"TESTPSPREF000001","merchantReference":"` + ours + `","amount":{"currency":"EUR","value":900}}`, topics.PSPApproved, nil, ""},
		"of no currency":      {200, `{"resultCode":"Authorised","pspReference":"TESTPSPREF000001","merchantReference":"` + ours + `","amount":{"currency":"ZZZ","value":1}}`, "", psp.ErrUnknown, ""},
		"with decimals":       {200, `{"resultCode":"Authorised","pspReference":"TESTPSPREF000001","merchantReference":"` + ours + `","amount":{"currency":"EUR","value":10.5}}`, "", psp.ErrUnknown, ""},
		"of a new kind":       {200, `{"resultCode":"Perhaps","pspReference":"TESTPSPREF000001"}`, "", psp.ErrUnknown, ""},
		"invalid":             {422, `{"status":422,"errorCode":"800","errorType":"validation","message":"Contract not found"}`, failed, nil, ""},
		"in progress":         {422, `{"status":422,"errorCode":"704","errorType":"validation","message":"request already processed or in progress"}`, "", psp.ErrUnknown, ""},
		"conflict":            {409, `{"status":409,"errorCode":"000","errorType":"internal"}`, "", psp.ErrUnknown, ""},
		"wrong key of ours":   {401, `{"status":401,"errorCode":"000","errorType":"security"}`, "", psp.ErrNotSent, ""},
		"too many":            {429, `{"status":429,"errorCode":"1","errorType":"configuration"}`, "", psp.ErrNotSent, ""},
		"their fault":         {500, `{"status":500,"errorCode":"905","errorType":"configuration"}`, "", psp.ErrUnknown, ""},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				asked++
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			defer server.Close()
			report, err := adapter(t, server.URL).Do(t.Context(), authorization("T"))
			if !errors.Is(err, c.err) || report.Outcome != c.outcome || report.DeclineCode != c.code {
				t.Errorf("%+v, %v", report, err)
			}
			if repeated := asked == 2; repeated != (c.err == psp.ErrUnknown) {
				t.Errorf("asked %d times", asked)
			}
		})
	}
}

// TestARepeatThatIsRefusedSaysNothingOfTheFirst: the first may have been performed.
func TestARepeatThatIsRefusedSaysNothingOfTheFirst(t *testing.T) {
	refund := authorization("T")
	refund.Operation, refund.PSPReference, refund.Card = topics.OperationRefund, "TESTPSPREF000001", nil
	for name, c := range map[string]struct {
		status int
		body   string
	}{
		"throttled":           {429, `{"status":429,"errorCode":"1","errorType":"configuration","message":"Too many requests"}`},
		"token deleted since": {422, `{"status":422,"errorCode":"800","errorType":"validation","message":"Contract not found"}`},
		"captured since":      {422, `{"status":422,"errorCode":"167","errorType":"validation","message":"Original pspReference required for this operation"}`},
		"not configured":      {400, `{"status":400,"errorCode":"901","errorType":"configuration","message":"Invalid Merchant Account"}`},
		"not found":           {404, `{"status":404,"errorCode":"1","errorType":"validation","message":"Not found"}`},
	} {
		for _, r := range []*topics.PSPRequest{authorization("T"), refund} {
			var asked atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if asked.Add(1) == 1 {
					panic(http.ErrAbortHandler) // performed, and the answer is lost
				}
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			a := adapter(t, server.URL)
			if report, err := a.Do(t.Context(), r); !errors.Is(err, psp.ErrUnknown) || psp.NotSent(err) || asked.Load() != 2 {
				t.Errorf("%s, %s: %+v, %v, asked %d times", name, r.Operation, report, err, asked.Load())
			}
			if report, err := a.(psp.Repeater).Repeat(t.Context(), r); !errors.Is(err, psp.ErrUnknown) || psp.NotSent(err) || asked.Load() != 3 {
				t.Errorf("%s, %s repeated: %+v, %v, asked %d times", name, r.Operation, report, err, asked.Load())
			}
			server.Close()
		}
	}
}

func TestNothingIsSentAfterItsTime(t *testing.T) {
	p := newPeer(t)
	a := adapter(t, p.URL)
	late := authorization("LOSTBEFORE")
	late.NotAfter = time.Now().Add(200 * time.Millisecond)
	if _, err := a.Do(t.Context(), late); !errors.Is(err, psp.ErrUnknown) { // the call takes a second
		t.Errorf("error %v", err)
	}
	for _, r := range []*topics.PSPRequest{late, {Operation: topics.OperationAuthorize, RequestID: "1-1-0", PaymentID: ours, Amount: 1, Currency: "EUR", Poll: true, NotAfter: time.Now().Add(time.Minute)}} {
		if report, err := a.Poll(t.Context(), r); err != nil || report.Outcome != topics.PSPUnknown {
			t.Errorf("%+v, %v", report, err)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := p.count[ours]; n != 0 {
		t.Errorf("charged %d times", n)
	}
}

func TestConfirmNeedsWhatAdyenGave(t *testing.T) {
	a := adapter(t, newPeer(t).URL)
	for payload, want := range map[string]topics.PSPOutcome{"": topics.PSPFailed, "forged": topics.PSPFailed, `{"redirectResult":"forged"}`: topics.PSPFailed, `{"redirectResult":`: topics.PSPFailed} {
		r := authorization("")
		r.Operation, r.Card, r.Challenge = topics.OperationConfirm, nil, &topics.Challenge{Result: "authenticated", Payload: payload}
		if report, err := a.Do(t.Context(), r); err != nil || report.Outcome != want || report.Detail == "" {
			t.Errorf("%q: %+v, %v", payload, report, err)
		}
	}
}

func TestNotifications(t *testing.T) {
	a := adapter(t, "http://127.0.0.1:1")
	base := object{
		"eventCode": "CAPTURE", "success": "true", "pspReference": "MODIFICATION0001", "originalReference": "TESTPSPREF000001",
		"merchantAccountCode": "Acme", "merchantReference": ours + "/1-2-0", "amount": object{"currency": "EUR", "value": 1000},
	}
	with := func(changes ...any) object {
		changed := maps.Clone(base)
		for i := 0; i < len(changes); i += 2 {
			changed[changes[i].(string)] = changes[i+1]
		}
		return changed
	}
	type want struct {
		operation topics.PSPOperation
		outcome   topics.PSPOutcome
		request   string
		object    string
	}
	seen := map[string]string{}
	for name, c := range map[string]struct {
		item object
		want want
	}{
		"captured":                  {with(), want{topics.OperationCapture, topics.PSPApproved, "1-2-0", ""}},
		"not captured":              {with("success", "false", "reason", "card 4111 1111 1111 1111"), want{topics.OperationCapture, topics.PSPDeclined, "1-2-0", ""}},
		"captured by somebody else": {with("merchantReference", ours), want{topics.OperationCapture, topics.PSPApproved, "", "MODIFICATION0001"}},
		"cancelled":                 {with("eventCode", "CANCELLATION"), want{topics.OperationVoid, topics.PSPApproved, "1-2-0", ""}},
		"expired":                   {with("eventCode", "EXPIRE", "merchantReference", ours), want{topics.OperationVoid, topics.PSPApproved, "", ""}},
		"refunded":                  {with("eventCode", "REFUND"), want{topics.OperationRefund, topics.PSPApproved, "1-2-0", ""}},
		"not refunded":              {with("eventCode", "REFUND", "success", "false"), want{topics.OperationRefund, topics.PSPDeclined, "1-2-0", ""}},
		"refunded by somebody else": {with("eventCode", "REFUND", "merchantReference", ours), want{topics.OperationRefund, topics.PSPApproved, "", "MODIFICATION0001"}},
		"and that came back":        {with("eventCode", "REFUNDED_REVERSED", "merchantReference", ours), want{topics.OperationRefund, topics.PSPReversed, "", "MODIFICATION0001"}},
		"refund failed later":       {with("eventCode", "REFUND_FAILED"), want{topics.OperationRefund, topics.PSPReversed, "1-2-0", ""}},
		"refund came back":          {with("eventCode", "REFUNDED_REVERSED"), want{topics.OperationRefund, topics.PSPReversed, "1-2-0", ""}},
		"not authorised":            {with("eventCode", "AUTHORISATION", "success", "false", "merchantReference", ours), want{topics.OperationAuthorize, topics.PSPDeclined, "", ""}},
	} {
		report, err := a.Webhook(notification(t, c.item))
		if report.Outcome == topics.PSPDeclined && report.DeclineRetry != "later" { // the reason is not signed, and may be a hard one
			t.Errorf("%s: retry %q", name, report.DeclineRetry)
		}
		if got := (want{report.Operation, report.Outcome, report.RequestID, report.Object}); err != nil || got != c.want || report.PaymentID != ours || report.Amount != 1000 || strings.Contains(report.Detail, "1111") {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
		if other, ok := seen[report.ReportID]; ok {
			t.Errorf("%s and %s have one id", name, other)
		}
		seen[report.ReportID] = name
	}
	for name, item := range map[string]object{
		"another account":      with("merchantAccountCode", "Other"),
		"capture failed later": with("eventCode", "CAPTURE_FAILED"),
		"success of no kind":   with("success", "maybe"),
		"expiry that failed":   with("eventCode", "EXPIRE", "success", "false"),
		"masked":               with("originalReference", "************1111"),
		"request of no kind":   with("merchantReference", ours+"/x"),
		"currency of nowhere":  with("amount", object{"currency": "ZZZ", "value": 1}),
		"no reference":         with("pspReference", ""),
	} {
		if report, err := a.Webhook(notification(t, item)); err == nil {
			t.Errorf("%s: %+v", name, report)
		}
	}
	if report, err := a.Webhook([]byte(`{"notificationItems":[{"NotificationRequestItem":{}},{"NotificationRequestItem":{}}]}`)); err == nil || !strings.Contains(err.Error(), "2 notification items") {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, c := range []adyen.Config{{BaseURL: "http://a", Key: "k"}, {BaseURL: "http://a", MerchantAccount: "m"}, {BaseURL: "a", Key: "k", MerchantAccount: "m"}} {
		if _, err := adyen.New(c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}

package sandbox_test

import (
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/weirhq/weir/processors/psp/sandbox"
)

func reportOf(t *testing.T, s *sandbox.Server, date string) (text string, status int) {
	t.Helper()
	res, err := http.Get(s.URL() + "/v1/reports/settlement?date=" + date)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body), res.StatusCode
}

// days are today's report and, where midnight falls into the test, that of the day on which it began.
func days(t *testing.T, s *sandbox.Server, began time.Time) (rows, totals [][]string) {
	t.Helper()
	for day := began.UTC().Truncate(24 * time.Hour); !day.After(time.Now()); day = day.AddDate(0, 0, 1) {
		text, status := reportOf(t, s, day.Format(time.DateOnly))
		records, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if status != 200 || err != nil {
			t.Fatalf("report: %d %s %v", status, text, err)
		}
		for _, record := range records[1:] {
			if record[3] == "total" {
				totals = append(totals, record)
			} else {
				rows = append(rows, record)
			}
		}
	}
	return rows, totals
}

func TestSettlementReport(t *testing.T) {
	began, dir := time.Now(), t.TempDir()
	s := start(t, sandbox.Config{DataDir: dir})
	post := func(path, key, body string) {
		t.Helper()
		if code := call(t, "POST", s.URL()+path, key, body, nil); code != 200 {
			t.Fatalf("POST %s: %d", path, code)
		}
	}
	paid := authorize(t, s, "paid", "tok_by_hand", 1000, true)
	settle(t, s, "paid", sandbox.Approved)
	authorize(t, s, "declined", "tok_declined_hard", 1000, true)
	authorize(t, s, "open", "tok_approved", 1000, false)
	asked := authorize(t, s, "asked", "tok_3ds_challenge", 2000, true)
	post("/v1/authorizations/"+asked.Authorization+"/confirm", "confirm", `{"challenge":{"result":"authenticated"}}`)
	refund := fmt.Sprintf(`{"authorization":%q,"amount":300}`, paid.Authorization)
	for _, key := range []string{"settled", "failed", "reversed"} {
		post("/v1/refunds", key, refund)
	}
	settle(t, s, "settled", sandbox.Approved)
	settle(t, s, "failed", sandbox.Failed)
	settle(t, s, "reversed", sandbox.Approved)
	settle(t, s, "reversed", sandbox.Reversed)
	post("/v1/payouts", "payout", payoutBody("tok_approved", 600))
	post("/v1/payouts", "undone", payoutBody("tok_by_hand", 500))
	settle(t, s, "undone", sandbox.Approved)
	settle(t, s, "undone", sandbox.Failed)
	post("/v1/payouts", "never", payoutBody("tok_payout_fails", 600))
	post("/v1/authorizations", "yen", strings.Replace(authorization("yen", "tok_approved", 500, true), "EUR", "JPY", 1))
	want := []string{
		"paid capture 1000 39 961 EUR", "confirm capture 2000 53 1947 EUR", "settled refund -300 0 -300 EUR",
		"reversed refund -300 0 -300 EUR", "reversed refund_returned 300 0 300 EUR", "payout payout -600 25 -625 EUR",
		"undone payout -500 25 -525 EUR", "undone payout_returned 500 0 500 EUR", "yen capture 500 32 468 JPY",
	}
	check := func(s *sandbox.Server) {
		t.Helper()
		rows, totals := days(t, s, began)
		var got []string
		sums, counts := map[string]int64{}, 0
		for _, r := range rows {
			got = append(got, strings.Join([]string{r[0], r[3], r[4], r[5], r[6], r[7]}, " "))
			if at, err := time.Parse(time.RFC3339Nano, r[8]); err != nil || at.Before(began.Add(-time.Second)) || r[1] == "" || r[2] == "" {
				t.Errorf("row %v: %v", r, err)
			}
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("rows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		for _, r := range totals {
			net, err := strconv.ParseInt(r[6], 10, 64)
			n, err2 := strconv.Atoi(r[0])
			if err != nil || err2 != nil {
				t.Errorf("total %v: %v %v", r, err, err2)
			}
			sums[r[7]], counts = sums[r[7]]+net, counts+n
		}
		if sums["EUR"] != 1958 || sums["JPY"] != 468 || counts != len(want) {
			t.Errorf("totals %v of %d rows", sums, counts)
		}
	}
	check(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	check(start(t, sandbox.Config{DataDir: dir}))
}

func TestWrongReportDay(t *testing.T) {
	s := start(t, sandbox.Config{})
	for _, date := range []string{"", "2026-02-30", "yesterday", "2026-1-1"} {
		if text, status := reportOf(t, s, date); status != 422 || !strings.Contains(text, "want a day") {
			t.Errorf("%q: %d %s", date, status, text)
		}
	}
	if text, status := reportOf(t, s, "2020-01-01"); status != 200 || text != "id,authorization,merchant_reference,type,gross,fee,net,currency,time\n" {
		t.Errorf("a day without movements: %d %q", status, text)
	}
}

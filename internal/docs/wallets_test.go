package docs

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"testing"

	"github.com/weirhq/weir/internal/config"
)

// wallets are the customers whose wallets snippets move, and what they hold then, in EUR.
func wallets() map[string]int64 {
	return map[string]int64{"wal_api": 4000, "wal_ledger": 3000, "wal_kcat": 500, "wal_python": 500, "wal_go": 500}
}

func mentions(text, customer string) bool {
	return regexp.MustCompile(`\b` + customer + `\b`).MatchString(text)
}

// awaitWallet waits until a customer's wallet holds the amount.
func (w *world) awaitWallet(t *testing.T, customer string, available int64) {
	t.Helper()
	var status int
	var body []byte
	if !await(func() bool {
		status, body = w.wallet(t, customer)
		var wallet struct {
			Balances []struct{ Available, Total int64 } `json:"balances"`
		}
		if status != http.StatusOK || json.Unmarshal(body, &wallet) != nil || len(wallet.Balances) != 1 {
			return false
		}
		return wallet.Balances[0].Available == available && wallet.Balances[0].Total == available
	}) {
		t.Fatalf("the wallet of %s is %d %s, want %d available and nothing held", customer, status, body, available)
	}
}

func (w *world) wallet(t *testing.T, customer string) (status int, body []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.engine.URL+"/v1/wallets/"+customer, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+config.DevelopmentKey)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err = io.ReadAll(response.Body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, body
}

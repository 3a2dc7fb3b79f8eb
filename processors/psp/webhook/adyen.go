package webhook

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/encoding/json"
)

// Adyen verifies Adyen's standard notifications. Each item of the body carries its own signature, HMAC-SHA256 over eight of
// its fields, joined by colons without escaping. There is no time in it: what is delivered again, by Adyen or by whoever
// has recorded it, is known by the event's id, which must therefore be made of signed fields alone. Everything else in an
// item (its date, its reason, its additional data) is not signed, and nothing may move money by it.
type Adyen struct{ secrets [][]byte }

// adyenSecret is how long Adyen's keys are, in bytes; adyenItems how many items a delivery may have (Adyen sends one).
const (
	adyenSecret = 32
	adyenItems  = 16
)

func newAdyen(secrets []string) (*Adyen, error) {
	keys, err := secretsOf(secrets, adyenSecret, fromHex)
	return &Adyen{keys}, err
}

// adyenItem holds the signed fields of an item.
type adyenItem struct {
	PSPReference      string `json:"pspReference"`
	OriginalReference string `json:"originalReference"`
	MerchantAccount   string `json:"merchantAccountCode"`
	MerchantReference string `json:"merchantReference"`
	Amount            struct {
		Value    json.Number `json:"value"`
		Currency string      `json:"currency"`
	} `json:"amount"`
	EventCode  string `json:"eventCode"`
	Success    string `json:"success"`
	Additional struct {
		Signature string `json:"hmacSignature"`
	} `json:"additionalData"`
}

// Verify implements Verifier. Every item must be signed. The delivery is named by a hash of what is signed, and so is the
// same for each attempt of it.
func (a *Adyen) Verify(_ http.Header, body []byte, _ time.Time) (Delivery, error) {
	var notification struct {
		Items []struct {
			Item adyenItem `json:"NotificationRequestItem"`
		} `json:"notificationItems"`
	}
	if err := json.Unmarshal(body, &notification); err != nil {
		return Delivery{}, fmt.Errorf("%w: the body is no notification", ErrUnsigned)
	}
	if n := len(notification.Items); n == 0 || n > adyenItems {
		return Delivery{}, fmt.Errorf("%w: %d notification items, want 1 to %d", ErrUnsigned, n, adyenItems)
	}
	var all []byte
	for i := range notification.Items {
		item := &notification.Items[i].Item
		signature, err := base64.StdEncoding.DecodeString(item.Additional.Signature)
		if err != nil || len(signature) == 0 {
			return Delivery{}, fmt.Errorf("%w: item %d: additionalData.hmacSignature: want base64", ErrUnsigned, i)
		}
		signed, err := item.signed()
		if err != nil {
			return Delivery{}, fmt.Errorf("%w: item %d: %w", ErrUnsigned, i, err)
		}
		if !matches(a.secrets, [][]byte{signature}, signed) {
			return Delivery{}, fmt.Errorf("%w: item %d", ErrSignature, i)
		}
		all = append(append(all, signed...), '\n')
	}
	return Delivery{ID: hashed(all), Accepted: "[accepted]"}, nil
}

// signed is what Adyen signs. A colon is taken in the merchant's reference alone: with one in another field the same
// text could be divided into other fields.
func (i *adyenItem) signed() ([]byte, error) {
	if _, err := strconv.ParseInt(i.Amount.Value.String(), 10, 64); err != nil && i.Amount.Value != "" {
		return nil, fmt.Errorf("amount.value %.32q: want an integer", i.Amount.Value)
	}
	fields := []string{i.PSPReference, i.OriginalReference, i.MerchantAccount, i.MerchantReference,
		i.Amount.Value.String(), i.Amount.Currency, i.EventCode, i.Success}
	for n, field := range fields {
		if strings.Contains(field, ":") && n != 3 {
			return nil, fmt.Errorf("signed field %d holds a colon", n+1)
		}
	}
	return []byte(strings.Join(fields, ":")), nil
}

package rules

import (
	"testing"

	"github.com/weirhq/weir/topics"
)

func TestTextIsTheValueOfWhatVelocityCountsBy(t *testing.T) {
	in := Input{
		Command: &topics.Command{CustomerID: "cus_1", Card: &topics.Card{Fingerprint: "fp_1", Scheme: "VISA"},
			Metadata: map[string]string{"promotion": "SPRING"}},
		Enrichment: &topics.Enrichment{ASN: "AS64500"},
	}
	for name, want := range map[string]string{
		"customer.id": "cus_1", "card.fingerprint": "fp_1", "card.scheme": "visa", "ip.asn": "AS64500",
		"payment.metadata.promotion": "SPRING", "payment.metadata.coupon": "", "payment.amount": "", "context.ip": "", "nothing": "",
	} {
		if got := in.Text(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

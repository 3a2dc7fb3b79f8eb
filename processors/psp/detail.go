package psp

import "github.com/weirhq/weir/topics"

// maxDetail bounds what a PSP's words take in a report, in bytes.
const maxDetail = 512

// SafeDetail cuts a PSP's words, and drops them where a card number stands in them.
func SafeDetail(s string) string {
	if s == "" {
		return ""
	}
	if topics.FindCardNumber([]byte(s)) {
		return "withheld: it held a card number"
	}
	if len(s) <= maxDetail {
		return s
	}
	cut := maxDetail
	for cut > 0 && s[cut]&0xc0 == 0x80 { // within a character
		cut--
	}
	return s[:cut]
}

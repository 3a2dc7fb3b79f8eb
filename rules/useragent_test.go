package rules

import (
	"testing"

	"github.com/weirhq/weir/topics"
)

func TestDevice(t *testing.T) {
	for agent, want := range map[string][3]string{
		"": {},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36":                         {"windows", "chrome"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0":               {"windows", "edge"},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15":                   {"macos", "safari"},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1": {"ios", "safari"},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1":  {"ios", "chrome"},
		"Mozilla/5.0 (Linux; Android 15; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/27.0 Chrome/125.0 Mobile Safari/537.36":  {"android", "samsung"},
		"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                          {"linux", "firefox"},
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36":                          {"chromeos", "chrome"},
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 OPR/120.0":                         {"linux", "opera"},
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/140.0 Safari/537.36":                               {"linux", "chrome", "headless"},
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)":                                                                {"", "", "crawler"},
		"curl/8.5.0":                                  {"", "", "script"},
		"python-requests/2.32.0":                      {"", "", "script"},
		"Go-http-client/2.0":                          {"", "", "script"},
		"Shop/7.1 (Android 15) okhttp/4.12":           {"android"}, // a shop's own app
		"something that nobody has heard of/1":        {},
		"MOZILLA/5.0 (WINDOWS NT 10.0) FIREFOX/140.0": {"windows", "firefox"},
	} {
		in := &Input{Command: &topics.Command{Context: &topics.Context{UserAgent: agent}}}
		if got := [3]string{in.Text("device.os"), in.Text("device.browser"), in.Text("device.bot")}; got != want {
			t.Errorf("%q is %q, want %q", agent, got, want)
		}
	}
}

// TestDeviceOfTests: what an inline test gives is what a rule reads.
func TestDeviceOfTests(t *testing.T) {
	for _, f := range deviceFields() {
		for _, c := range [][]said{systems, browsers, bots} {
			for _, value := range sayings(c) {
				if f.literal(value) != "" {
					continue
				}
				in := &Input{Command: &topics.Command{}}
				f.set(in, value)
				if got := f.get(in); got != value {
					t.Errorf("%s given as %s is read as %q", f.Name, value, got)
				}
			}
		}
	}
}

func BenchmarkDevice(b *testing.B) {
	in := &Input{Command: &topics.Command{Context: &topics.Context{UserAgent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"}}}
	b.ReportAllocs()
	for b.Loop() {
		in.Text("device.bot")
	}
}

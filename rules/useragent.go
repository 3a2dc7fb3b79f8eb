package rules

import (
	"bytes"
	"slices"
	"strings"

	"github.com/weirhq/weir/topics"
)

// deviceFields are what the browser says of itself. What it says can be invented; what automation forgets to invent is telling.
func deviceFields() []Field {
	field := func(name, example, doc string, table []said) Field {
		return Field{Name: name, Type: TypeText, Example: example, Match: MatchExact, Doc: doc, literal: oneOf(sayings(table)...),
			get: func(in *Input) string {
				if c := in.context(); c != nil {
					return saidBy(table, c.UserAgent)
				}
				return ""
			},
			set: func(in *Input, v string) { say(contextOf(in), table, v) }}
	}
	return []Field{
		field("device.os", "android", "Operating system, by the browser's own word: "+strings.Join(sayings(systems), ", ")+".", systems),
		field("device.browser", "chrome", "Browser, by its own word: "+strings.Join(sayings(browsers), ", ")+".", browsers),
		field("device.bot", "script", "What is no browser with a person before it: script (a program), headless (a browser without a window) or crawler; missing of others.", bots),
	}
}

// said is what a user agent has in it, in small letters, and what that says.
type said struct{ part, says string }

// The first that is in a user agent decides: many name others whose pages they want.
var (
	systems = []said{{"iphone", "ios"}, {"ipad", "ios"}, {"ipod", "ios"}, {"android", "android"}, {"windows", "windows"}, {"cros ", "chromeos"},
		{"mac os x", "macos"}, {"macintosh", "macos"}, {"linux", "linux"}}
	browsers = []said{{"edg/", "edge"}, {"edga/", "edge"}, {"edgios/", "edge"}, {"opr/", "opera"}, {"opera", "opera"}, {"samsungbrowser/", "samsung"},
		{"fxios/", "firefox"}, {"firefox/", "firefox"}, {"crios/", "chrome"}, {"chrome/", "chrome"}, {"version/", "safari"}}
	bots = []said{{"headless", "headless"}, {"phantomjs", "headless"}, {"puppeteer", "headless"}, {"playwright", "headless"}, {"selenium", "headless"},
		{"bot/", "crawler"}, {"bot;", "crawler"}, {"crawler", "crawler"}, {"spider", "crawler"},
		{"curl/", "script"}, {"wget/", "script"}, {"python", "script"}, {"aiohttp", "script"}, {"scrapy", "script"}, {"go-http-client", "script"},
		{"java/", "script"}, {"apache-httpclient", "script"}, {"libwww-perl", "script"}, {"node-fetch", "script"}, {"axios/", "script"},
		{"guzzlehttp", "script"}, {"postmanruntime", "script"}, {"powershell", "script"}}
)

// maxUserAgent is how much of a user agent is looked at, in bytes.
const maxUserAgent = 512

// saidBy is what a user agent says of itself, "" where the table has nothing that is in it.
func saidBy(table []said, agent string) string {
	if agent == "" {
		return ""
	}
	var room [maxUserAgent]byte
	small := room[:copy(room[:], agent)]
	for i, c := range small {
		if c >= 'A' && c <= 'Z' {
			small[i] = c + 'a' - 'A'
		}
	}
	for _, s := range table {
		if bytes.Contains(small, []byte(s.part)) {
			return s.says
		}
	}
	return ""
}

// sayings are what a table may say.
func sayings(table []said) []string {
	var all []string
	for _, s := range table {
		if !slices.Contains(all, s.says) {
			all = append(all, s.says)
		}
	}
	return all
}

// say makes the user agent of an inline test one that says so.
func say(x *topics.Context, table []said, value string) {
	for _, s := range table {
		if s.says == value {
			x.UserAgent += " " + s.part
			return
		}
	}
}

package buckettest

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"io"
	"mime"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"strconv"
	"strings"
)

// The headers of metadata begin so. S3 keeps their names in small letters.
const meta = "x-amz-meta-"

// maxMeta is how many bytes the names and values of an object's metadata may have.
const maxMeta = 2048

// What stands for the digest of a body that has none, as TLS does what it would be for: of one
// that comes as it is, and of one that comes in chunks with a checksum after them.
const (
	unsigned = "UNSIGNED-PAYLOAD"
	trailing = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

// answer is what a client gets. The status 0 is no answer.
type answer struct {
	status int
	header http.Header // names as they are sent
	body   []byte
}

func refuse(status int, code string) *answer {
	body, err := xml.Marshal(struct {
		XMLName       xml.Name `xml:"Error"`
		Code, Message string
	}{Code: code, Message: "as the test wants it"})
	if err != nil {
		panic(err)
	}
	return &answer{status, http.Header{"Content-Type": {"application/xml"}}, append([]byte(xml.Header), body...)}
}

func (a answer) write(w http.ResponseWriter) {
	if a.status == 0 {
		panic(http.ErrAbortHandler)
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	w.Write(a.body)
}

// check looks at what all requests have to have; nil: all is well.
func check(r *http.Request) *answer {
	size := 0
	for name, values := range kept(r.Header) {
		if strings.HasPrefix(name, meta) {
			size += len(name) - len(meta) + len(values[0])
		}
	}
	switch {
	case r.Method != http.MethodPut && r.Method != http.MethodGet:
		return refuse(http.StatusMethodNotAllowed, "MethodNotAllowed")
	case !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 "):
		return refuse(http.StatusForbidden, "AccessDenied")
	case size > maxMeta:
		return refuse(http.StatusBadRequest, "MetadataTooLarge")
	case len(r.URL.Path) > len("/"+Bucket+"/")+1024:
		return refuse(http.StatusBadRequest, "KeyTooLongError")
	}
	return nil
}

// readBody returns the body of a PUT. One that is not what the headers say of it is refused.
func readBody(r *http.Request) ([]byte, *answer) {
	var body []byte
	var err error
	sum, size, digest := r.Header.Get("X-Amz-Checksum-Crc32"), r.ContentLength, r.Header.Get("X-Amz-Content-Sha256")
	if digest == trailing {
		in := bufio.NewReader(r.Body)
		if body, err = io.ReadAll(httputil.NewChunkedReader(in)); err == nil {
			var rest textproto.MIMEHeader
			rest, err = textproto.NewReader(in).ReadMIMEHeader()
			sum = rest.Get("X-Amz-Checksum-Crc32")
		}
		size, _ = strconv.ParseInt(r.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
	} else {
		body, err = io.ReadAll(r.Body)
		if own := sha256.Sum256(body); digest != unsigned && digest != hex.EncodeToString(own[:]) {
			err = fmt.Errorf("the body has another digest")
		}
	}
	switch {
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "XAmzContentSHA256Mismatch")
	case int64(len(body)) != size:
		return nil, refuse(http.StatusBadRequest, "IncompleteBody")
	case sum != "" && sum != crc(body):
		return nil, refuse(http.StatusBadRequest, "BadDigest")
	}
	return body, nil
}

func crc(body []byte) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body)))
}

// kept are the headers that are kept with an object. S3 decodes what is encoded as in mail.
func kept(header http.Header) http.Header {
	all := http.Header{}
	for _, name := range []string{"Content-Type", "Cache-Control"} {
		if value := header.Get(name); value != "" {
			all.Set(name, value)
		}
	}
	for name, values := range header {
		if name = strings.ToLower(name); !strings.HasPrefix(name, meta) {
			continue
		}
		value := strings.Join(values, ",")
		if plain, err := new(mime.WordDecoder).DecodeHeader(value); err == nil {
			value = plain
		}
		all[name] = []string{value}
	}
	return all
}

// answered are the headers of a GET. S3 encodes as in mail what is more than ASCII.
func (o object) answered() http.Header {
	all := http.Header{"ETag": {o.etag}}
	for name, values := range o.header {
		all[name] = []string{mime.QEncoding.Encode("UTF-8", values[0])}
	}
	return all
}

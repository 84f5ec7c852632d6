#include "agent/git/protocol.h"

#include <type_traits>
#include <utility>
#include <vector>

namespace ray_gitops::git {
namespace {

// One list of fields per type serves both directions: `transfer` visits them in order, with a
// Writer (which reads them) or a Reader (which sets them).
class Writer {
 public:
  Writer() : bytes_(k_frame_length_bytes, '\0') {}

  void number(const std::uint64_t& value) {
    for (unsigned shift = 0; shift < 64; shift += 8)
      bytes_ += static_cast<char>((value >> shift) & 0xFFU);
  }
  void text(const std::string& value) {
    number(value.size());
    bytes_ += value;
  }
  // The frame, with its length filled in.
  std::string finish() {
    const std::uint64_t length = bytes_.size() - k_frame_length_bytes;
    for (std::size_t index = 0; index < k_frame_length_bytes; ++index)
      bytes_[index] = static_cast<char>((length >> (8 * index)) & 0xFFU);
    return std::move(bytes_);
  }

 private:
  std::string bytes_;
};

std::uint64_t parse_number(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t index = 8; index > 0; --index)
    value = (value << 8U) | static_cast<unsigned char>(bytes[index - 1]);
  return value;
}

// Once a read fails, all later ones give nothing and complete() is false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  void number(std::uint64_t& value) {
    const std::string_view bytes = take(8);
    value = bytes.size() == 8 ? parse_number(bytes) : 0;
  }
  void text(std::string& value) {
    std::uint64_t size = 0;
    number(size);
    value = take(size);
  }
  // A count of things of which each takes at least one byte.
  std::uint64_t count() {
    std::uint64_t value = 0;
    number(value);
    if (value > rest_.size()) broken_ = true;
    return broken_ ? 0 : value;
  }
  void refuse() { broken_ = true; }
  bool complete() const { return !broken_ && rest_.empty(); }

 private:
  std::string_view take(std::uint64_t size) {
    if (broken_ || size > rest_.size()) {
      broken_ = true;
      return {};
    }
    const std::string_view bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }

  std::string_view rest_;
  bool broken_ = false;
};

void transfer(Writer& writer, const std::string& value) { writer.text(value); }
void transfer(Reader& reader, std::string& value) { reader.text(value); }
void transfer(Writer& writer, const std::int64_t& value) {
  writer.number(static_cast<std::uint64_t>(value));
}
void transfer(Reader& reader, std::int64_t& value) {
  std::uint64_t number = 0;
  reader.number(number);
  value = static_cast<std::int64_t>(number);
}
void transfer(Writer& writer, const bool& value) { writer.number(value ? 1 : 0); }
void transfer(Reader& reader, bool& value) {
  std::uint64_t number = 0;
  reader.number(number);
  value = number != 0;
}

void transfer(Writer& writer, const std::optional<std::string>& value) {
  transfer(writer, value.has_value());
  if (value) transfer(writer, *value);
}
void transfer(Reader& reader, std::optional<std::string>& value) {
  bool present = false;
  transfer(reader, present);
  value.reset();
  if (present) transfer(reader, value.emplace());
}

void transfer(Writer& writer, const std::set<std::string>& values) {
  writer.number(values.size());
  for (const std::string& value : values) transfer(writer, value);
}
void transfer(Reader& reader, std::set<std::string>& values) {
  for (std::uint64_t left = reader.count(); left > 0; --left) {
    std::string value;
    transfer(reader, value);
    values.insert(values.end(), std::move(value));
  }
}

void transfer(Writer& writer, const std::map<std::string, std::string>& values) {
  writer.number(values.size());
  for (const auto& [name, value] : values) {
    transfer(writer, name);
    transfer(writer, value);
  }
}
void transfer(Reader& reader, std::map<std::string, std::string>& values) {
  for (std::uint64_t left = reader.count(); left > 0; --left) {
    std::string name;
    transfer(reader, name);
    transfer(reader, values[std::move(name)]);
  }
}

// `T` is const with a Writer. Each field list stands once.
template <class Stream, class T>
  requires std::is_same_v<std::remove_const_t<T>, engine::SourceFile>
void transfer(Stream& stream, T& file) {
  transfer(stream, file.path);
  transfer(stream, file.blob_id);
  transfer(stream, file.content);
  transfer(stream, file.refused);
}

void transfer(Writer& writer, const std::vector<engine::SourceFile>& files) {
  writer.number(files.size());
  for (const engine::SourceFile& file : files) transfer(writer, file);
}
void transfer(Reader& reader, std::vector<engine::SourceFile>& files) {
  for (std::uint64_t left = reader.count(); left > 0; --left)
    transfer(reader, files.emplace_back());
}

template <class Stream, class T>
  requires std::is_same_v<std::remove_const_t<T>, engine::RemoteTips>
void transfer(Stream& stream, T& tips) {
  transfer(stream, tips.source);
  transfer(stream, tips.status);
}

template <class Stream, class T>
  requires std::is_same_v<std::remove_const_t<T>, engine::SourceTree>
void transfer(Stream& stream, T& tree) {
  transfer(stream, tree.commit);
  transfer(stream, tree.message);
  transfer(stream, tree.files);
  transfer(stream, tree.descends_from_accepted);
}

template <class Stream, class T>
  requires std::is_same_v<std::remove_const_t<T>, engine::StatusTree>
void transfer(Stream& stream, T& tree) {
  transfer(stream, tree.tip);
  transfer(stream, tree.files);
  transfer(stream, tree.lease_epoch);
}

template <class Stream, class T>
  requires std::is_same_v<std::remove_const_t<T>, ListRequest>
void transfer(Stream& stream, T& request) {
  transfer(stream, request.source_branch);
  transfer(stream, request.status_branch);
}

template <class Stream, class T>
  requires std::is_same_v<std::remove_const_t<T>, LoadRequest>
void transfer(Stream& stream, T& request) {
  transfer(stream, request.branch);
  transfer(stream, request.folder);
  transfer(stream, request.commit);
  transfer(stream, request.accepted);
  transfer(stream, request.known_blobs);
}

template <class Stream, class T>
  requires std::is_same_v<std::remove_const_t<T>, LoadStatusRequest>
void transfer(Stream& stream, T& request) {
  transfer(stream, request.branch);
  transfer(stream, request.tip);
}

template <class Stream, class T>
  requires std::is_same_v<std::remove_const_t<T>, PublishRequest>
void transfer(Stream& stream, T& request) {
  transfer(stream, request.branch);
  transfer(stream, request.expected_tip);
  transfer(stream, request.files);
  transfer(stream, request.message);
  transfer(stream, request.author_name);
  transfer(stream, request.author_email);
  transfer(stream, request.time.milliseconds);
  transfer(stream, request.not_after.milliseconds);
}

void transfer(Writer& writer, const Duration& value) {
  transfer(writer, static_cast<std::int64_t>(value.count()));
}
void transfer(Reader& reader, Duration& value) {
  std::int64_t milliseconds = 0;
  transfer(reader, milliseconds);
  value = Duration{milliseconds};
}

template <class Stream, class T>
  requires std::is_same_v<std::remove_const_t<T>, CredentialSource>
void transfer(Stream& stream, T& source) {
  transfer(stream, source.username);
  transfer(stream, source.username_file);
  transfer(stream, source.token_file);
}

template <class Stream, class T>
  requires std::is_same_v<std::remove_const_t<T>, Remote>
void transfer(Stream& stream, T& remote) {
  transfer(stream, remote.url);
  transfer(stream, remote.cache_directory);
  transfer(stream, remote.credentials);
  transfer(stream, remote.certificate_authority_file);
  transfer(stream, remote.stall_max);
}

// A variant is its alternative's index and that alternative.
template <class... Alternatives>
void transfer(Writer& writer, const std::variant<Alternatives...>& value) {
  writer.number(value.index());
  std::visit([&writer](const auto& alternative) { transfer(writer, alternative); }, value);
}

template <std::size_t index = 0, class... Alternatives>
void read_alternative(Reader& reader, std::uint64_t wanted, std::variant<Alternatives...>& value) {
  if constexpr (index < sizeof...(Alternatives)) {
    if (index == wanted) return transfer(reader, value.template emplace<index>());
    read_alternative<index + 1>(reader, wanted, value);
  } else {
    reader.refuse();
  }
}

template <class... Alternatives>
void transfer(Reader& reader, std::variant<Alternatives...>& value) {
  std::uint64_t wanted = 0;
  reader.number(wanted);
  read_alternative(reader, wanted, value);
}

tl::unexpected<Error> broken_frame() {
  return fail(ErrorCode::Unavailable, "the Git child sent something else than an answer");
}

}  // namespace

std::string encode_job(const Job& job) {
  Writer writer;
  transfer(writer, job.remote);
  transfer(writer, job.request);
  return writer.finish();
}

Result<Job> decode_job(std::string_view frame) {
  Reader reader(frame);
  Job job;
  transfer(reader, job.remote);
  transfer(reader, job.request);
  if (!reader.complete()) return broken_frame();
  return job;
}

std::string encode_answer(const Result<Answer>& answer) {
  Writer writer;
  transfer(writer, answer.has_value());
  if (answer) {
    transfer(writer, *answer);
  } else {
    transfer(writer, static_cast<std::int64_t>(answer.error().code));
    transfer(writer, answer.error().message);
    transfer(writer, answer.error().where);
  }
  return writer.finish();
}

Result<Answer> decode_answer(std::string_view frame) {
  Reader reader(frame);
  bool good = false;
  transfer(reader, good);
  if (good) {
    Answer answer;
    transfer(reader, answer);
    if (!reader.complete()) return broken_frame();
    return answer;
  }
  std::int64_t code = 0;
  Error error;
  transfer(reader, code);
  transfer(reader, error.message);
  transfer(reader, error.where);
  if (!reader.complete() || code < 0 || code > static_cast<std::int64_t>(ErrorCode::Internal))
    return broken_frame();
  error.code = static_cast<ErrorCode>(code);
  return tl::unexpected<Error>(std::move(error));
}

Result<std::size_t> decode_frame_length(std::string_view bytes) {
  const std::uint64_t length = parse_number(bytes);
  if (length > k_frame_bytes_max)
    return fail(ErrorCode::LimitExceeded, "a message of " + std::to_string(length) +
                                              " bytes is more than the Git child may exchange");
  return static_cast<std::size_t>(length);
}

}  // namespace ray_gitops::git

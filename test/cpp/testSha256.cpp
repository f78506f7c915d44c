#include "catch.h"

#include <cstdio>
#include <fstream>
#include <string>

#include "RecoE2E/ParticleViT/interface/Sha256.h"

using namespace particlevit;

TEST_CASE("The checksums of the standard's examples are right", "[Sha256]") {
  CHECK(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256(std::string(1000000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("How the data comes does not matter", "[Sha256]") {
  for (std::size_t length : {55, 56, 63, 64, 65, 119, 120, 1000}) {
    std::string data;
    for (std::size_t i = 0; i < length; ++i)
      data += static_cast<char>(i * 37);
    Sha256 pieces;
    for (std::size_t i = 0; i < length; i += 7)
      pieces.update(data.data() + i, std::min<std::size_t>(7, length - i));
    CHECK(pieces.digest() == sha256(data));
  }
}

TEST_CASE("A file's checksum is that of its content, and a missing file is named", "[Sha256]") {
  const char* path = "testSha256.bin";
  const std::string content(200000, '\xfe');
  std::ofstream(path, std::ios::binary) << content;
  CHECK(sha256OfFile(path) == sha256(content));
  std::ofstream(path, std::ios::binary | std::ios::trunc).close();
  CHECK(sha256OfFile(path) == sha256(""));
  std::remove(path);
  CHECK_THROWS_WITH(sha256OfFile("missing/model.onnx"), "cannot read missing/model.onnx");
  CHECK_THROWS_WITH(sha256OfFile("."), "cannot read .");
}

//! Writes the inputs that fuzzing begins with, a folder a target, below the folder `corpus`. It must not know what they
//! hold.

fn main() -> std::io::Result<()> {
    for (target, name, bytes) in fuzz::seeds() {
        let folder = std::path::Path::new("corpus").join(target);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}
